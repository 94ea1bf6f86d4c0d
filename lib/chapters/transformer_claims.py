"""The claims of chapter 9: what was claimed of convolutional families, put to vision transformers by the same rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lib.chapters.hypothesis_claims import across_claim, direction_claim, family_claims
from lib.chapters.individual_similarity import Growth, growth_claims, mean_step
from lib.similarity.rank_one import cosines, resultants
from lib.statistics.intervals import in_brackets
from lib.statistics.sample import Sample
from lib.verdicts import Claim


def transformer_claims(family: str, matrix: Sample, widths: Sequence[int], chance: tuple[float, float]
                       ) -> list[Claim]:
    """Similarity grows, H1, H2 and the rank-one law, as `lib.chapters.hypothesis_claims.family_claims`."""
    return [_of_this_chapter(claim) for claim in family_claims(family, matrix, widths, chance)]


def variant_claims(name: str, matrix: Sample, widths: Sequence[int], chance: tuple[float, float]
                   ) -> list[Claim]:
    """The two conclusions of Fig. 21 where one choice that the paper leaves open was made otherwise."""
    growth, *_ = growth_claims(name, Growth(matrix, widths, chance))
    return [_of_this_chapter(claim) for claim in (growth, direction_claim(name, matrix, widths))]


def shared_claim(matrix: Sample, family_of: Sequence[str], width_of: Sequence[int]) -> Claim:
    """H2 between transformers and a convolutional family, as `lib.chapters.hypothesis_claims.across_claim`."""
    return _of_this_chapter(across_claim(matrix, family_of, width_of))


def findings(matrices: Mapping[str, Sample], widths: Mapping[str, Sequence[int]]) -> str:
    """The answer in words, a Markdown line for each kind of transformer."""
    lines = []
    for name, matrix in matrices.items():
        step = in_brackets(matrix.interval(mean_step), ".3f")
        first, last = widths[name][0], widths[name][-1]
        cosine = in_brackets(matrix.interval(lambda rho: cosines(rho)[..., 0, -1]))
        ends = resultants(matrix.values)
        lines.append(f"- **{name}**: ρ goes from {matrix.values[0, 0]:.2f} at k = {first} to {matrix.values[-1, -1]:.2f} "
                     f"at k = {last}, E[t] from {ends[0]:.2f} to {ends[-1]:.2f}; a step of the width adds {step} to ρ on "
                     f"average. The corrected cosine of the mean directions of k = {first} and k = {last} is {cosine}.")
    return "\n".join(lines)


def _of_this_chapter(claim: Claim) -> Claim:
    return replace(claim, name="09" + claim.name[2:])
