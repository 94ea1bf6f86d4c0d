"""Adversarial attacks from one network on another.

`one_step`: the step, what is left of the true class's probability, and single networks that attack each other;
`attack_transfer`: whose gradient attacks whom in populations.
"""

from lib.attacks.one_step import MAIN_SUMMARY, PAPER_EPS, SUMMARIES, decay_ratio, fgsm, ratios, tail
