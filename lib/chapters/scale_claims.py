"""The claims of appendix 2: more images or epochs make networks more alike, and similarity grows as in the picture."""

from collections.abc import Mapping, Sequence

import pandas as pd

from lib.chapters.batch_size import CHANGE
from lib.data.loading import ImageData
from lib.effects.paired import UNITS, Measures
from lib.effects.scale import EPOCHS, IMAGES, Lines, similarity_factors, similarity_slopes
from lib.released.heatmaps import EPOCHS as THEIR_EPOCHS
from lib.released.heatmaps import IMAGES as THEIR_TEST_IMAGES
from lib.released.heatmaps import TRAINING_IMAGES, Growth
from lib.statistics.intervals import Interval, in_brackets
from lib.training.populations import Population
from lib.verdicts import Claim, judge_above, judge_within

Effects = Mapping[str, Mapping[str, Interval]]  # line -> measure -> change per doubling
SHORT = {IMAGES: "more-images", EPOCHS: "more-epochs"}
ALIKE = 0.5, 2.0  # ratios of two exponents that count as about the same


def scale_claims(family: str, measures: Measures, found: Lines, effects: Effects) -> list[Claim]:
    """One claim a line: networks of one width get more alike along it."""
    claims = []
    for line, settings in found.items():
        estimate, low, high = map(float, effects[line]["similarity"])
        claims.append(Claim(
            f"A2-{SHORT[line]}-{family}", f"Networks of {family} at one width are more alike with more {line}.",
            f"change of rho(k, k) per doubling of the {line}, mean over widths", estimate, low, high,
            measures.seeds * len(settings), measures.similarity[0].images,
            "95 % interval above zero; contradicted if it lies below", judge_above(low, high)))
    return claims


def growth_claim(family: str, growth: Growth) -> Claim:
    """Similarity grows with the width about as fast as in the released picture."""
    return Claim(
        f"A2-growth-as-picture-{family}",
        f"The similarity of {family} grows with the width about as fast as in the authors' released picture.",
        f"exponent b of E[t] ~ k^b over that of the picture, widths {growth.widths[0]} to {growth.widths[-1]}",
        *growth.ratio, growth.networks, growth.images,
        f"95 % interval within {ALIKE[0]:g} to {ALIKE[1]:g}; contradicted if it lies outside",
        judge_within(*growth.ratio[1:], *ALIKE))


def conditions_table(images: ImageData, populations: Mapping[tuple[str, int], Population]) -> pd.DataFrame:
    """A row a family, and one for the released picture: what the networks were trained with and what they reach."""
    rows = []
    for family in dict.fromkeys(family for family, _ in populations):
        of_family = [population for (name, _), population in populations.items() if name == family]
        accuracy = [sum(network.test_accuracy[-1] for network in one.networks) / len(one) for one in of_family]
        rows.append({"networks": family, "data": images.name, "training images": len(images.train_labels),
                     "epochs": of_family[0].specification.epochs, "test images": len(images.test_labels),
                     "networks a width": " to ".join(map(str, sorted({len(one) for one in of_family}))),
                     "test accuracy": f"{min(accuracy):.3f} to {max(accuracy):.3f}"})
    return pd.DataFrame([*rows, {
        "networks": "released picture, cnn-small", "data": "cifar10", "training images": TRAINING_IMAGES,
        "epochs": f"{THEIR_EPOCHS} or 200", "test images": THEIR_TEST_IMAGES, "networks a width": "1",
        "test accuracy": "not released"}])


def settings_table(found: Lines) -> pd.DataFrame:
    """A row a setting of every line, with the steps that it makes."""
    return pd.DataFrame([{"line": line, "training images": setting.n_train, "epochs": setting.epochs,
                          "steps": setting.steps()} for line, settings in found.items() for setting in settings])


def doublings_table(measures: Measures, found: Lines, effects: Effects, widths: Sequence[int]) -> pd.DataFrame:
    """What doubling does to each width and on average: change and factor of rho(k, k), loss and accuracy."""
    rows = []
    for line in found:
        slopes, factors = similarity_slopes(measures, found, line), similarity_factors(measures, found, line)
        for place, width in enumerate(widths):
            rows.append({"line": line, "width": str(width),
                         "similarity (cosine)": in_brackets([part[place] for part in slopes], CHANGE),
                         "factor of similarity": in_brackets([part[place] for part in factors])})
        rows.append({"line": line, "width": "mean", "factor of similarity": in_brackets(
            [part[-1] for part in factors])} | _all_measures(effects[line]))
    rows += [{"line": row, "width": "mean"} | _all_measures(effects[row]) for row in effects if row not in found]
    return pd.DataFrame(rows).fillna("")


def _all_measures(changes: Mapping[str, Interval]) -> dict[str, str]:
    return {f"{name} ({unit})": in_brackets(changes[name], CHANGE) for name, unit in UNITS.items()}
