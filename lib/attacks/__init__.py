"""Adversarial attacks from one network on another.

`one_step`: the step, and what is left of the true class's probability; `attack_transfer`: whose gradient attacks whom
in populations; `single_networks`: the same of one network each.
"""

from lib.attacks.one_step import MAIN_SUMMARY, PAPER_EPS, SUMMARIES, decay_ratio, fgsm, ratios, tail

__all__ = ["MAIN_SUMMARY", "PAPER_EPS", "SUMMARIES", "decay_ratio", "fgsm", "ratios", "tail"]
