"""Chapter 9: what was claimed of convolutional families, put to vision transformers by the same rules."""

from dataclasses import replace

from lib.chapters.hypotheses import H1, H1_EVERY_STEP, H2, RANK_ONE
from lib.chapters.individual_similarity import ABOVE_CHANCE, EVERY_STEP, GROWS, RANGE
from lib.chapters.shared_directions import ACROSS
from lib.verdicts import DETAIL, HEADLINE, Row

LEFT, RIGHT, OURS = "Great Minds, Fig. 21, left", "Great Minds, Fig. 21, right", "ours"


def _here(row: Row, source: str, level: str = DETAIL) -> Row:
    """A row of chapter 3 or 4 under a name of this chapter."""
    return replace(row, name="09" + row.name[2:], source=source, level=level)


TRANSFORMERS = (
    _here(GROWS, LEFT, HEADLINE),
    _here(RANGE, LEFT),
    _here(EVERY_STEP, LEFT),
    _here(ABOVE_CHANCE, OURS),
    _here(H1, OURS),
    _here(H1_EVERY_STEP, OURS),
    _here(H2, RIGHT, HEADLINE),
    _here(RANK_ONE, OURS),
)
SHARED = _here(ACROSS, OURS)
VARIANTS = (_here(GROWS, OURS), _here(H2, OURS))  # where one choice that the paper leaves open was made otherwise
