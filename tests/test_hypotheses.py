"""Chapter 4: verdicts follow from planted matrices that obey a hypothesis, and that break it."""

import error_rates
import numpy as np
import pytest

from lib.chapters.alignment_controls import CONTROLS, LABEL_CONTROLS, more_alike
from lib.chapters.hypotheses import H1, H1_EVERY_STEP, H2, PROMISE, RANK_ONE, Family, falls, family_claims
from lib.chapters.shared_directions import TYPE, Everything, type_claims
from lib.gates import enough
from lib.similarity.crossed import similarity_matrix
from lib.similarity.mean_directions import planted_population
from lib.sphere.saw import von_mises_fisher
from lib.sphere.vmf import vmf_concentration
from lib.statistics.sample import Sample
from lib.verdicts import judged

WIDTHS = (2, 4, 8, 16)
R = 0.2 * np.array(WIDTHS, dtype=float) ** 0.4
LAW = R[:, None] * R


def matrix(values, spread=0.001):
    """A matrix whose entries vary independently by `spread` over images, and not with the networks."""
    noise = np.random.default_rng(0).standard_normal((1000, *values.shape))
    noise = (noise + noise.transpose(0, 2, 1)) / 2
    without = np.tile(values, (20 * len(values), 1, 1))
    return Sample(values, without, values + spread * noise, without[None], (20,) * len(values), 1000)


def claims(rows, values, spread=0.001):
    """The claims by short name: h1, predict-direction ..."""
    found = family_claims(rows, {"vit": Family(matrix(values, spread), WIDTHS[: len(values)])}, {"vit": []})
    return {claim.name.removeprefix("04-").removesuffix("-vit"): claim for claim in found}


def verdicts(rows, values, spread=0.001):
    return {name: claim.verdict for name, claim in claims(rows, values, spread).items()}


def changed(cosine, rows, columns):
    """The law with some similarities times a factor."""
    values = LAW.copy()
    values[rows, columns] *= cosine
    values[columns, rows] *= cosine
    return values


def test_concentration_is_seen_and_its_opposite_too():
    np.testing.assert_allclose(falls(LAW), np.diff(R))
    assert set(verdicts([H1, H1_EVERY_STEP], LAW).values()) == {"supported"}
    assert set(verdicts([H1, H1_EVERY_STEP], LAW[::-1, ::-1]).values()) == {"contradicted"}


def test_one_step_that_is_not_sure_leaves_every_step_undecided():
    flat = R.copy()
    flat[1] = flat[0]
    found = verdicts([H1, H1_EVERY_STEP], flat[:, None] * flat, 0.003)
    assert found == {"h1": "supported", "h1-every-step": "undecided"}


@pytest.mark.parametrize(
    "cosine, spread, expected", [(1.0, 0.001, "supported"), (0.8, 0.001, "contradicted"), (0.91, 0.01, "undecided")]
)
def test_one_direction_is_judged_by_the_lowest_cosine(cosine, spread, expected):
    claim = claims([H2], changed(cosine, 0, 3), spread)["h2"]
    assert claim.verdict == expected and claim.estimate == pytest.approx(cosine)
    assert cosine == 1 or ": k = 2 and 16, the one of 6" in claim.statistic


@pytest.mark.parametrize("within, across, expected", [(1.0, 0.6, "supported"), (0.6, 1.0, "contradicted")])
def test_families_of_one_type_are_compared_with_each_other_and_with_those_of_the_other(within, across, expected):
    """Two plain families and two residual ones, two widths each."""
    families = ["cnn-small", "cnn-large", "resnet-small", "resnet-large"]
    kind = np.repeat([0, 1], 4)
    same_type, same_family = kind[:, None] == kind, np.kron(np.eye(4), np.ones((2, 2))) == 1
    cosine = np.where(same_family, 1, np.where(same_type, within, across))
    r = np.tile(R[:2], 4)
    everything = Everything(matrix(cosine * r[:, None] * r), np.repeat(families, 2), [2, 4] * 4)
    gates = {family: [] for family in families} | {"resnet-large": [enough(5)]}
    found = {claim.name.removeprefix("04-h2-type-"): claim for claim in type_claims(everything, gates)}
    assert list(found) == ["cnn", "nearer-cnn", "resnet", "nearer-resnet"]
    assert found["cnn"].verdict == expected and found["cnn"].estimate == pytest.approx(within)
    assert found["cnn"].networks == 80 and "cnn-small and cnn-large share" in found["cnn"].statement
    assert {found[name].verdict for name in ("resnet", "nearer-resnet", "nearer-cnn")} == {
        "not tested"
    }  # of all families
    assert verdicts_of(everything)["nearer-cnn"] == expected


def verdicts_of(everything):
    gates = dict.fromkeys(everything.family_of, ())
    return {claim.name.removeprefix("04-h2-type-"): claim.verdict for claim in type_claims(everything, gates)}


def test_a_law_of_similarities_that_do_not_change_is_one_too():
    """R^2 is not defined there."""
    assert verdicts([RANK_ONE], np.full((4, 4), 0.4)) == {"rank-one": "supported"}


def turned(radians, trials, kappas=(4, 6, 9, 13), networks=6):
    """Similarities of vMF populations of four widths; the widest one's mean direction is turned away by an angle."""
    rng = np.random.default_rng(0)
    laws = [von_mises_fisher(kappa, 16) for kappa in kappas]
    rotation = np.eye(16)
    rotation[:2, :2] = [[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]]
    for _ in range(trials):
        populations = [planted_population(law, networks, 60, rng) for law in laws]
        populations[-1] = populations[-1] @ rotation
        yield similarity_matrix(populations, rng, 20)


# A cosine c of one width of four makes a residual of 0.40 |log c|: 0.1 at 0.779.
ONE_DIRECTION = [
    (RANK_ONE, 1.0, "supported"),
    (RANK_ONE, 0.6, "contradicted"),
    (H2, 0.7, "contradicted"),
    (H2, 0.9, None),
]
AT_RANK_ONE = RANK_ONE, 0.779, None
OFTENER = pytest.mark.xfail(
    strict=True,
    reason="jackknives of six networks are a little narrow: contradicted in 3.65 % of 2,000 trials, not 2.5 %",
)


@pytest.mark.parametrize(
    "row, cosine, expected, trials",
    [
        *((*case, 40) for case in (*ONE_DIRECTION, AT_RANK_ONE)),
        *(pytest.param(*case, 2000, marks=pytest.mark.slow) for case in ONE_DIRECTION),
        pytest.param(*AT_RANK_ONE, 2000, marks=[pytest.mark.slow, OFTENER]),
    ],
)
def test_the_rules_of_one_direction_err_as_seldom_as_they_promise(row, cosine, expected, trials):
    """Six networks a width."""
    found = [judged([row], Family(one, WIDTHS), family="vit")[0].verdict for one in turned(np.arccos(cosine), trials)]
    error_rates.check(found, expected, 0.6)


def concentrated(lengths, trials):
    """Similarities of vMF populations of six networks about one mean direction, with these mean resultant lengths."""
    rng = np.random.default_rng(0)
    laws = [von_mises_fisher(float(vmf_concentration(length, 16)), 16) for length in lengths]
    return (similarity_matrix([planted_population(law, 6, 60, rng) for law in laws], rng, 20) for _ in range(trials))


RISING = 0.25 * np.array(WIDTHS) ** 0.3  # a power law
STEEP = np.array([0.2, 0.4, 0.6, 0.8])
BROKEN = RISING * [1, 1, 1, 1 / 1.1]  # foretold a tenth too high
NARROW = RISING[:3, None] * RISING[:3]
# The cosine of the mean of 18 narrow networks with their mean direction; turned so far away it knows as much as one of the widest.
KNOWN = RISING[:3].mean() / np.sqrt(NARROW.mean() + (1 - np.diag(NARROW)).mean() / 18)


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "row, lengths, expected, power",
    [
        (H1, RISING, "supported", 0.9),
        (H1, RISING[[0] * 4], None, 0),
        (H1, RISING[::-1], "contradicted", 0.9),
        (H1_EVERY_STEP, STEEP, "supported", 0.9),
        (H1_EVERY_STEP, STEEP[[0, 1, 1, 3]], None, 0),
        (H1_EVERY_STEP, STEEP[[0, 2, 0, 3]], "contradicted", 0.9),
        (PROMISE[0], BROKEN, None, 0),
        (PROMISE[0], RISING * [1, 1, 1, 0.6], "contradicted", 0.9),
        (PROMISE[1], BROKEN, None, 0),
        (PROMISE[1], RISING * [1, 1, 1, 0.6], "contradicted", 0.9),
    ],
)
def test_concentration_and_what_it_foretells_are_judged_wrongly_as_seldom_as_promised(
    row, lengths, expected, power, trials
):
    found = [
        judged([row], Family(one, WIDTHS), family="vit", widest=16)[0].verdict for one in concentrated(lengths, trials)
    ]
    error_rates.check(found, expected, power)


@pytest.mark.parametrize("trials", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("cosine, expected", [(1.0, "supported"), (RISING[3] / KNOWN, None), (0.2, "contradicted")])
def test_the_widest_direction_is_foretold_as_often_as_the_rule_promises(cosine, expected, trials):
    found = [
        judged([PROMISE[2]], Family(one, WIDTHS), family="vit", widest=16)[0].verdict
        for one in turned(np.arccos(cosine), trials, vmf_concentration(RISING, 16))
    ]
    error_rates.check(found, expected, 0.9)


@pytest.mark.parametrize("trials", [30, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("cosine, expected", [(1.0, "supported"), (0.75, "contradicted"), (0.9, None)])
def test_the_rule_of_one_type_errs_as_seldom_as_it_promises(cosine, expected, trials):
    """Two families of two widths and six networks each, their mean directions at this cosine."""
    rng, found = np.random.default_rng(0), []
    laws = [von_mises_fisher(kappa, 16) for kappa in (6, 12)]
    rotation = np.eye(16)
    rotation[:2, :2] = [[cosine, np.sqrt(1 - cosine**2)], [-np.sqrt(1 - cosine**2), cosine]]
    for _ in range(trials):
        one, other = ([planted_population(law, 6, 60, rng) for law in laws] for _ in range(2))
        everything = similarity_matrix([*one, *(population @ rotation for population in other)], rng, 20)
        estimated = Everything(everything, ["vit", "vit", "vit-deep", "vit-deep"], [2, 4] * 2).alike("vit")
        found.append(TYPE.rule.judge(estimated.cut(-1, 1)).verdict)
    error_rates.check(found, expected, 0.6)


def test_promises_hold_where_the_law_goes_on():
    found = claims(PROMISE, LAW)
    assert {claim.verdict for claim in found.values()} == {"supported"}
    assert [claim.estimate for claim in found.values()][:2] == pytest.approx([1, 1])
    assert "E[t] at k = 16, by a power law" in found["predict-mean-cosine"].statistic
    assert verdicts(PROMISE, LAW, 0.05)["predict-mean-cosine"] == "undecided"


def test_promises_fail_where_the_law_breaks():
    stalled = R * [1, 1, 1, 0.5]
    found = verdicts(PROMISE, stalled[:, None] * stalled)
    assert found["predict-mean-cosine"] == found["predict-similarity"] == "contradicted"
    bent = changed([1.3, 1 / 1.3], [0, 1], 3)  # one similarity too large, another too small: no average may hide that
    claim = claims(PROMISE, bent)["predict-similarity"]
    assert claim.verdict == "contradicted" and "rho(4, 16), the one of 4 that decides" in claim.statistic
    assert verdicts(PROMISE, changed(0.3, [0, 1, 2], 3))["predict-direction"] == "contradicted"


def test_a_width_whose_networks_have_nothing_in_common_leaves_what_rests_on_it_undecided():
    broken = LAW.copy()
    broken[0, 0] = -0.01
    found = verdicts([H2, RANK_ONE, *PROMISE], broken)
    assert {found[name] for name in found if name != "predict-direction"} == {"undecided"}


def test_controls_compare_what_they_say():
    def controls(trained, untrained, labels, weights, order):
        return matrix(np.diag([trained, untrained, labels, weights, order]) + 0.01)

    by_width = {2: controls(0.2, 0.0, 0.0, 0.5, 0.2), 16: controls(0.6, 0.0, 0.2, 0.8, 0.6)}
    found = judged([*CONTROLS, *LABEL_CONTROLS], by_width, family="vit")
    assert {claim.name: claim.verdict for claim in found} == {
        "04-control-untrained-vit": "supported",
        "04-control-random-labels-vit": "supported",
        "04-control-memorising-vit": "undecided",
        "04-control-same-weights-vit": "supported",
        "04-control-same-order-vit": "undecided",
    }
    assert all(claim.networks == 80 and claim.images == 1000 for claim in found)  # two widths, two populations of 20
    estimate, low, high = more_alike(by_width, "same weights", "trained").interval(0.95)
    np.testing.assert_allclose(estimate, [0.3, 0.2])
    assert (low < estimate).all() and (estimate < high).all()
