"""The words and tables of chapter 18 follow from views and outcomes that are planted."""

import numpy as np
import pytest
from planted_pairs import planted, symmetric

from lib.chapters.view_claims import DEEDS
from lib.chapters.view_findings import findings, rank_table, skill_table
from lib.statistics.intervals import in_brackets
from lib.views.measures import measure
from lib.views.outcomes import OUTCOMES, TRANSFER
from lib.views.prediction import ALONE, MODELS
from lib.views.three_views import CKA, MATCHING, RHO, VIEWS

WIDTHS = np.repeat([2, 4, 8], 6)
LEVEL = np.log2(WIDTHS)[:, None] + np.log2(WIDTHS)


def noise(seed, of_networks=0.3):
    return symmetric(np.random.default_rng(seed), len(WIDTHS), of_networks=of_networks)


def lines(**given):
    """The five lines on one family: agreement, growth, and each outcome."""
    short, *found = findings({"toy": measure(planted(0, WIDTHS, **given))}).split("\n")
    assert short.startswith("- **In short**: ")
    assert len(found) == 2 + len(OUTCOMES) and all(line.startswith("- **toy, ") for line in found)
    return found


def test_agreement_within_widths_is_told_from_that_by_width():
    truth = noise(1)
    agreement, *_ = lines(**{name: truth + 0.2 * noise(2 + place) for place, name in enumerate(VIEWS)})
    assert agreement.endswith("Width is not the only reason why the views agree.")
    agreement, *_ = lines(rho=truth, CKA=-truth + 0.1 * noise(5), matching=noise(6))
    assert agreement.endswith("Within widths no agreement of two views can be told from none.")
    agreement, *_ = lines(rho=truth, CKA=truth + 0.1 * noise(5), matching=-truth)
    assert agreement.endswith("Within widths the agreement of 1 of 3 couples of views can be told from none.")
    assert "ρ and direct matching -1.00 [-1.00, -1.00]" in agreement


def test_growth_is_named_by_where_its_interval_lies():
    growth = lines(rho=LEVEL + 0.2 * noise(3), CKA=-LEVEL + 0.2 * noise(4), matching=noise(5))[1]
    rho, cka, matching = growth.split(": ", 1)[1].split("; ")
    assert rho.startswith("ρ +") and rho.endswith("rises")
    assert cka.startswith("CKA -") and cka.endswith("falls") and matching.endswith("undecided.")


def test_the_best_view_is_named_with_those_that_it_surely_beats():
    truth = noise(8)
    transfer = lines(rho=truth, transfer=truth + 0.2 * noise(9))[-1]
    assert "The largest is that of ρ; its lead over CKA and direct matching is decided." in transfer
    assert "they know something of the pair that is not known of its two networks." in transfer
    twins = lines(rho=truth, CKA=truth, transfer=truth + 0.2 * noise(9))[-1]
    assert "; its lead over direct matching is decided." in twins


def test_where_no_view_or_nothing_can_foretell_that_is_said():
    nothing = lines(transfer=np.ones((len(WIDTHS),) * 2))[-1]
    assert "It is the same for all pairs, so that there is nothing to foretell." in nothing
    assert "not to be told" in nothing and "whether they know more of the pair is not decided." in nothing
    # Whatever the noise, the words are those of the numbers.
    for seed in range(5):
        measures = measure(planted(seed, WIDTHS))
        words = findings({"toy": measures}).split("\n")[3:]
        for line, column in zip(words, measures.skill()[0][:len(VIEWS)].T):
            assert ("No view foretells it better than the mean of other pairs does." in line) == (column.max() <= 0)


def test_in_short_answers_are_counted():
    truth = noise(8)
    alike = {name: LEVEL + truth + 0.2 * noise(20 + place) for place, name in enumerate(VIEWS)}
    told = truth + 0.2 * noise(9)
    short = findings({
        "alike": measure(planted(0, WIDTHS, **alike)),
        "apart": measure(planted(0, WIDTHS, rho=truth, CKA=-LEVEL, matching=noise(5), agreement=told, transfer=told)),
    }).split("\n")[0]
    assert "agree within widths in 1 of 2 families" in short and "in 3 of 6 cases, a view and a family" in short
    assert "Of 6 cases, an outcome and a family each, one view alone foretells 2 better" in short
    assert "tell of 2 what is not known" in short


@pytest.fixture(scope="module")
def families():
    return {"one": measure(planted(1)), "other": measure(planted(2))}


def test_the_table_of_skills_has_a_row_a_model_and_family(families):
    table = skill_table(families)
    names = ["ρ", "CKA", "direct matching", "all three", "widths", "each alone", "each alone + ρ", "each alone + CKA",
             "each alone + direct matching", "each alone + all three"]
    assert list(table.index) == [(family, name) for family in families for name in names]
    assert list(table) == [DEEDS[outcome] for outcome in OUTCOMES]
    place = list(MODELS).index(f"{ALONE} + {CKA}") - 1
    expected = tuple(part[place, OUTCOMES.index(TRANSFER)] for part in families["other"].skill())
    assert table.loc[("other", "each alone + CKA"), DEEDS[TRANSFER]] == in_brackets(expected)


def test_the_table_of_ranks_has_both_kinds_for_every_outcome(families):
    table = rank_table(families)
    assert list(table.index) == [(family, name) for family in families for name in ("ρ", "CKA", "direct matching")]
    for within, words in ((False, "all pairs"), (True, "within widths")):
        expected = tuple(part[VIEWS.index(MATCHING), 0] for part in families["one"].with_outcomes(within))
        assert table.loc[("one", "direct matching"), f"{DEEDS[OUTCOMES[0]]}, {words}"] == in_brackets(expected)
    assert table.shape == (6, 6) and VIEWS[0] == RHO
