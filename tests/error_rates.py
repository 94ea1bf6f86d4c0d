"""How often a rule may err on planted populations."""

import numpy as np


def check(found, expected, power):
    """Verdicts on trials with a planted truth: no wrong one falls more often than one time in forty.

    `expected` is the right verdict, to be found more often than `power`; None at the threshold, where either is wrong.
    """
    shares = {verdict: found.count(verdict) / len(found) for verdict in ("supported", "contradicted")}
    slack = 3 * np.sqrt(0.025 * 0.975 / len(found))
    assert max(share for verdict, share in shares.items() if verdict != expected) <= 0.025 + slack, shares
    assert expected is None or shares[expected] > power, shares
