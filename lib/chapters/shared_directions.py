"""Chapter 4: do populations of different families share one mean direction, within one architecture type and across types?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lib.chapters.hypotheses import ALIKE
from lib.gates import Gate
from lib.rules import above
from lib.rules_of_several import Share
from lib.similarity.rank_one import cosines
from lib.statistics.sample import Estimated, Sample
from lib.verdicts import HEADLINE, Claim, Row, judged


@dataclass(frozen=True)
class Everything:
    """rho of all populations, whatever their families, and the family and width of each."""

    matrix: Sample
    family_of: Sequence[str]
    width_of: Sequence[int]

    def across(self, within: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Row and column, row < column, of all pairs of populations from different families.

        within: only of families of this architecture type; "" only of families of two types.
        """
        names, types = np.asarray(self.family_of), np.asarray([type_of(family) for family in self.family_of])
        chosen = names[:, None] != names
        if within is not None:
            chosen &= (types[:, None] == within) & (types == within) if within else types[:, None] != types
        rows, columns = np.nonzero(np.triu(chosen))
        return rows, columns

    def alike(self, within: str | None = None) -> Estimated:
        """Mean corrected cosine over such pairs."""
        rows, columns = self.across(within)
        networks = sum(self.matrix.networks[place] for place in {*rows, *columns})
        return self.matrix.estimated(lambda rho: cosines(rho)[..., rows, columns].mean(-1), networks)

    def nearer(self, within: str) -> Estimated:
        """How much larger that mean is within a type than across types."""
        own, other = self.across(within), self.across("")
        return self.matrix.estimated(lambda rho: cosines(rho)[..., *own].mean(-1) - cosines(rho)[..., *other].mean(-1))

    def types(self) -> dict[str, list[str]]:
        """Architecture types of which two families are here, with these."""
        found: dict[str, list[str]] = {}
        for family in dict.fromkeys(self.family_of):
            found.setdefault(type_of(family), []).append(family)
        return {name: families for name, families in found.items() if len(families) > 1}


def type_of(family: str) -> str:
    """The architecture type: cnn, resnet, vit."""
    return family.split("-")[0]


ACROSS = Row(
    "04-h2-across-families",
    "Different families share almost one mean direction too.",
    "ours",
    "corrected mean-direction cosine of two populations of different families",
    of=lambda one: one.matrix.estimated(lambda rho: cosines(rho)[..., *one.across()]).cut(-1, 1),
    rule=Share(above(ALIKE), 0.9),
)
TYPE = Row(
    "04-h2-type-{type}",
    "H2 within one architecture type: {families} share almost one mean direction.",
    "Great Minds, abstract; Fig. 4",
    "corrected mean-direction cosine of two populations of the two families, mean over their widths",
    of=lambda pair: pair[0].alike(pair[1]).cut(-1, 1),
    rule=above(ALIKE),
    level=HEADLINE,
    formula=rf"\mathbb E_{{k_1, k_2}}[\, \mu_{{k_1}} \cdot \mu'_{{k_2}} \,] > {ALIKE} \quad \text{{for two families of one type}}",
)
NEARER = Row(
    "04-h2-type-nearer-{type}",
    "Networks of {families} share more of a mean direction than families of two types do.",
    "ours",
    "mean corrected mean-direction cosine within the type - across types",
    of=lambda pair: pair[0].nearer(pair[1]),
)


def type_claims(everything: Everything, gates: Mapping[str, Sequence[Gate]]) -> list[Claim]:
    """What the families at hand allow: within each type of two families, and whether that differs from across types."""
    claims = []
    for name, families in everything.types().items():
        words = {"type": name, "families": " and ".join(families)}
        claims += judged([TYPE], (everything, name), [gate for family in families for gate in gates[family]], **words)
        if everything.across("")[0].size:
            claims += judged([NEARER], (everything, name), [gate for own in gates.values() for gate in own], **words)
    return claims
