"""Chapter 6: does the loss follow E[t] however it is reached, and what does an ensemble give for what it costs?

Populations are those of one family, one a width, unless said otherwise.  Intervals are a jackknife's over networks, and
the test images are fixed: they say what other networks would do on these images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lib.chapters.compared_ensembles import AVERAGES, Compared, Together
from lib.ensembles.comparisons import (
    Families,
    averaging_gain,
    law_ratio,
    loss_slopes,
    over_wide,
    rank_correlation,
    ratio_interval,
    saved,
)
from lib.ensembles.measures import Ensembles
from lib.gates import Gate
from lib.rules import above, below, within
from lib.rules_of_several import Share, every
from lib.verdicts import HEADLINE, MACHINERY, Claim, Row, judged

LOSS = "loss probabilities"


# Figs. 9 and 24 as the paper draws them: networks and ensembles of all widths and sizes in one plot.
POOLED = Row(
    "06-loss-pooled-across-families",
    "The test loss of networks and ensembles of all families falls as their E[t] rises.",
    "Great Minds, Figs 9, 24",
    "Spearman correlation of E[t] and loss over families, widths and m",
    lambda one: one.estimated(lambda rows: rank_correlation(rows, LOSS)),
    rule=below(0),
    level=HEADLINE,
    bounds=(-1, 1),
    formula=r"\text{the loss falls as } \mathbb E[t] \text{ rises, over families, } k \text{ and } m",
)
# Figs. 9 and 24 between widths, at each number of members.  Along the members of one width there is nothing to test: E[t]
# rises by the law, and no average can lose more than its members do, because cross entropy is convex in either.
FALL = Row(
    "06-loss-falls-{name}",
    "With as many members, networks and ensembles of {whose} that have a larger E[t] have a smaller test loss.",
    "Great Minds, Figs 9, 24",
    "fall of the log loss per unit of E[t] over widths, least squares",
    lambda one: one.estimated(lambda rows: -loss_slopes(rows, LOSS)),
    rule=every(above(0)),
    places=lambda one: [f"m = {size}" for size in one.sizes],
)


def _gain(name: str, says: str, source: str, statistic: str, measure: str, **more: Any) -> Row:
    """The largest ensembles of every width beside single networks; a measure that should be smaller, or after - larger."""
    sign = -1 if measure.startswith("-") else 1
    return Row(
        f"06-{name}-{{family}}",
        says,
        source,
        statistic,
        lambda one: one.estimated(lambda rows: sign * saved(rows, measure.removeprefix("-"))),
        rule=every(above(0)),
        places=lambda one: [f"k = {width}" for width in one.widths],
        **more,
    )


GAINS = (
    _gain(
        "ensembles-cosine",
        "Ensembles of {family} have a larger E[t] than their members.",
        "Great Minds, Figs 9, 24",
        "E[t] of {largest} networks minus that of a single one",
        "-t",
        level=HEADLINE,
        formula=r"\mathbb E[t_m] > \mathbb E[t_1]",
    ),
    _gain(
        "ensembles-help",
        "Ensembles of {family} have a lower test loss than their members.",
        "Great Minds, Figs 9, 24",
        "loss of a single network minus that of {largest} (nats)",
        LOSS,
        level=HEADLINE,
        formula=r"L(\text{mean of } m \text{ networks}) < \mathbb E\, L(\text{one network})",
    ),
    _gain(
        "ensembles-help-accuracy",
        "Ensembles of {family} classify more test images rightly than their members.",
        "Great Minds, Fig. 24 (inferred)",
        "accuracy of {largest} networks minus that of a single one",
        f"-accuracy {AVERAGES[0]}",
    ),
    _gain(
        "calibration",
        "Ensembles of {family} are better calibrated than their members.",
        "ours",
        "expected calibration error of a single network minus that of {largest}",
        f"ece {AVERAGES[0]}",
    ),
)
TROUBLES = {"noise": "on images with noise", "fgsm": "under an attack made on a network that is no member"}
TROUBLED = Row(
    "06-{trouble}-{family}",
    "Ensembles of {family} classify more images rightly than their members {changed}.",
    "ours",
    "accuracy of {largest} networks of k = {width} minus that of a single one, on the changed images",
    lambda one: one.estimated(lambda rows: -saved(rows, f"accuracy {AVERAGES[0]}")[0]),
)
TOGETHER = (
    Row(
        "06-logits-or-probabilities",
        "Averaging probabilities gives ensembles a lower test loss than averaging logits.",
        "ours",
        "loss of averaged logits over that of averaged probabilities, geometric mean over widths and m >= 2",
        lambda together: together.by_family(lambda one: averaging_gain),
        rule=every(above(1)),
        places=lambda together: list(together.families),
    ),
    Row(
        "06-many-small-cosine",
        "Ensembles of narrow networks have a larger E[t] than one wide network of as many parameters.",
        "ours",
        "E[t] of m networks of k over that of one of k sqrt(m)",
        lambda together: together.by_family(lambda one: lambda rows: over_wide(rows, "t", one.pairs)),
        rule=every(above(1)),
        places=lambda together: [
            f"{name}, {pair}" for name, one in together.families.items() for pair in one.names_of_pairs()
        ],
    ),
)
FAMILY = (
    FALL,
    Row(
        "06-ensemble-law-{family}",
        "Ensembles of {family} have the E[t] of m independent directions.",
        "ours",
        "measured E[t] over the law",
        lambda one: one.estimated(law_ratio, ratio_interval),
        rule=every(within(0.95, 1.05)),
        places=lambda one: one.ensembles().ravel(),
        level=MACHINERY,
    ),
    Row(
        "06-same-curve-{family}{suffix}",
        "Ensembles of {family} that average {average} have the test loss of single networks with the same E[t].",
        "Great Minds, Figs 9, 24 (inferred)",
        "loss of an ensemble over that of single networks, its logarithm interpolated over E[t]",
        lambda one: one.estimated(one.over_single, ratio_interval),
        rule=Share(within(0.8, 1.25), 0.9),
        places=lambda one: one.ensembles()[one.comparable],
    ),
    Row(
        "06-many-small-{family}{suffix}",
        "Ensembles of narrow networks of {family} that average {average} have a lower test loss than one wide network of "
        "as many parameters.",
        "ours",
        "loss of one network of k sqrt(m) over that of m networks of k",
        lambda one: one.estimated(one.over_wide, ratio_interval),
        rule=every(above(1)),
        places=Compared.names_of_pairs,
    ),
)


def all_claims(
    families: Families, widths: Mapping[str, Sequence[int]], gates: Mapping[str, Sequence[Gate]]
) -> list[Claim]:
    """Those about all families together, then those about each, behind the gates of the families they are about."""
    compared = {family: Compared(populations, widths[family]) for family, populations in families.items()}
    every_gate = [gate for family in families for gate in gates[family]]
    everything = Compared([population for populations in families.values() for population in populations])
    return [
        *_judged(POOLED, everything, every_gate),
        *(
            _judged(FALL, everything, every_gate, name="across-families", whose="all families")
            if len(families) > 1  # of one family they are its own
            else []
        ),
        *(claim for row in TOGETHER for claim in _judged(row, Together(compared), every_gate)),
        *(claim for family, one in compared.items() for claim in family_claims(family, one, gates[family])),
    ]


def troubled_claims(
    troubled: Mapping[str, Mapping[str, Ensembles]], widths: Mapping[str, int], gates: Mapping[str, Sequence[Gate]]
) -> list[Claim]:
    """What ensembles do on changed images: one of TROUBLES -> family -> ensembles of one width on such images."""
    return [
        claim
        for trouble, families in troubled.items()
        for family, found in families.items()
        for claim in _judged(
            TROUBLED,
            Compared([found]),
            gates[family],
            trouble=trouble,
            changed=TROUBLES[trouble],
            family=family,
            width=widths[family],
            largest=found.sizes[-1],
        )
    ]


def family_claims(family: str, one: Compared, gates: Sequence[Gate]) -> list[Claim]:
    """Claims about one family; one for each average where the answer may hang on it."""
    return [
        claim
        for row in (*FAMILY, *GAINS)
        for average in (AVERAGES if "{average}" in row.says else AVERAGES[:1])
        for claim in _judged(
            row,
            replace(one, average=average),
            gates,
            name=family,
            whose=family,
            family=family,
            average=average,
            suffix="" if average == AVERAGES[0] else f"-averaged-{average}",
            largest=one.sizes[-1],
        )
    ]


def _judged(row: Row, evidence: Compared | Together, gates: Sequence[Gate], **words: object) -> list[Claim]:
    """The claim, none where there is nothing to compare, such as widths of as many parameters."""
    alone = row in (POOLED, TROUBLED)  # one number, with no places
    claims = judged([row] if alone or len(row.places(evidence)) else [], evidence, gates, **words)
    return [replace(claim, rule=f"{claim.rule}; intervals over networks, images fixed") for claim in claims]
