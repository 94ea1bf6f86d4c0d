"""Adversarial attacks from one network on another."""

from lib.attacks.gradient_signs import (
    MAIN_SUMMARY,
    PAPER_EPS,
    SUMMARIES,
    Scores,
    decay_ratio,
    fgsm,
    random_signs,
    ratios,
    tail,
    true_class_scores,
    weighted_summaries,
)

__all__ = [
    "MAIN_SUMMARY",
    "PAPER_EPS",
    "SUMMARIES",
    "Scores",
    "decay_ratio",
    "fgsm",
    "random_signs",
    "ratios",
    "tail",
    "true_class_scores",
    "weighted_summaries",
]
