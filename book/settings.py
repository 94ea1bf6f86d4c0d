"""The settings in book/deviations.md: what this book does where a paper does otherwise, as chapters and studies have it.

Beside `measured`: a function's name is what the page calls its setting by.  Chapters' are those of their parameters cells, studies'
those of book/studies.toml, the others constants of the program.
"""

import json
from inspect import signature

import numpy as np

import chapters
import evidence
import tables
from chapters import ROOT
from lib.run import defaults
from measured import provenance, shown, span


def default(chapter: str, parameter: str) -> object:
    """What a chapter's parameter is unless it is given; a chapter by its number."""
    (source,) = chapters.NOTEBOOKS.glob(f"{chapter}_*.py")
    return defaults(source)[parameter]


def counted(numbers: list[int], last: str = "and") -> str:
    """'400, 200 and 100', the largest first."""
    *others, smallest = sorted(numbers, reverse=True)
    return f"{', '.join(map(str, others))} {last} {smallest}" if others else str(smallest)


def _digits() -> int:
    return provenance("02")["data"]["digits"][0]["train"]


@shown
def epochs_here() -> str:
    return str(default("02", "epochs"))


@shown
def training_images_here() -> str:
    return f"{_digits():,} digits"


@shown
def scalar_here() -> str:
    return f"{default('03', 'output')}, the others as a parameter"


@shown
def grid_here() -> str:
    grid = default("03", "grid")
    return f"{grid} x {grid} (digits have that size)"


@shown
def networks_here() -> str:
    return tables.networks(default("02", "seeds"))


@shown
def attacked_here() -> str:
    return f"{default('07', 'attack_images')}, of all classes: where a set is sorted, in an order drawn once"


@shown
def eps_here() -> str:
    main, judged = default("07", "main_eps"), default("07", "judged_eps")
    others = [eps for eps in judged if eps != main]
    steps = f"{main:g}, {len(default('07', 'eps'))} steps beside each other"
    return f"{steps}, verdicts at {' and '.join(f'{eps:g}' for eps in others)} too" if others else steps


@shown
def transformers_here() -> str:
    from lib.models.architectures import VIT_LAYOUTS

    blocks, side = VIT_LAYOUTS["vit"]
    rate = default("09", "learning_rate")
    return f"{blocks} blocks, {side} x {side} patches, mean over places, Adam with learning rate {rate:g} / sqrt(epoch + 1)"


@shown
def released_images_here() -> str:
    return f"{default('10', 'images'):,} random ones"


def executed(chapter: str) -> list[tuple[str, dict]]:
    """Title and results of every study whose page of this chapter is kept; a chapter by its number."""
    return [
        (study["title"], json.loads((ROOT / "results" / name / f"{own}.json").read_text()))
        for name, study in evidence.executed_studies().items()
        for own in study["chapters"]
        if own.startswith(f"{chapter}_")
    ]


def _trained(results: dict) -> str:
    """'50,000 images'."""
    return f"{max(entry['train'] for own in results['provenance']['data'].values() for entry in own):,} images"


@shown
def studies_here() -> str:
    return "; ".join(
        f"{title}: {_trained(found)}, {found['parameters']['epochs']} epochs, {found['provenance']['networks']} networks, "
        + tables.sizes(found["parameters"])
        for title, found in executed("02")
    )


@shown
def studies_accuracy() -> str:
    parts = []
    for title, found in executed("02"):
        rows = [row for family in found["numbers"]["test_accuracy"].values() for row in family]
        parts.append(f"{span(np.concatenate(rows))} ({title})")
    return f"test accuracies of {', '.join(parts)}"


@shown
def few_images_here() -> str:
    own = [f"{default('11', 'n_train')} digits"]
    own += [f"{found['parameters']['n_train']:,} images ({title})" for title, found in executed("11")]
    return f"{', '.join(own)}; no ImageNet"


@shown
def sizes_here() -> str:
    own = {"digits": {name: default("11", name) for name in ("depths", "widths")}}
    own |= {title: found["parameters"] for title, found in executed("11")}
    return "; ".join(
        f"depth to {max(given['depths'])}, width to {max(given['widths'])} ({title})" for title, given in own.items()
    )


@shown
def deep_training_here() -> str:
    from lib.training.wide_and_deep import RECIPE

    epochs = [
        f"{default('11', 'epochs')} epochs (digits)",
        *(f"{found['parameters']['epochs']} ({title})" for title, found in executed("11")),
    ]
    return (
        f"{' or '.join(epochs)} in batches of {RECIPE['batch_size']}, "
        "no augmentation, the last epoch; learning rate, schedule, momentum and weight decay are the program's"
    )


@shown
def less_data_here() -> str:
    studies = [f"{counted(found['parameters']['train_counts'])} images ({title})" for title, found in executed("11")]
    return "; ".join([f"{counted(default('11', 'train_counts'))} digits", *studies])


@shown
def block_here() -> str:
    from lib.cka.blocks import LEAST

    threshold = default("11", "block_threshold")
    others = [f"{other:g}" for other in default("11", "thresholds") if other != threshold]
    return (
        f"the longest run of layers of which every two have a CKA above {threshold:g}, {' and '.join(others)} beside it; "
        f"at least {LEAST} layers"
    )


@shown
def cka_here() -> str:
    return (
        f"{default('11', 'cka_passes')} passes over the test images at hand in batches of {default('11', 'cka_batch')}; what "
        "does not fill a batch is left out of that pass"
    )


@shown
def probes_here() -> str:
    from lib.cka.probes import PENALTY

    return f"logistic regression to convergence, penalty {PENALTY:g}, plain training images"


@shown
def compared_here() -> str:
    return f"{default('14', 'seeds')} of each, all pairs; jackknife over networks"


@shown
def predictions_here() -> str:
    deep, shallow, width = (default("15", name) for name in ("deep_depth", "shallow_depth", "shallow_width"))
    return (
        f"{default('15', 'prediction_seeds')} of ResNet-{deep} (1x) and ResNet-{shallow} ({width}x); the latter trained for as "
        "many epochs as make it as good on validation images"
    )


@shown
def detectors_here() -> str:
    return (
        f"a small network with two hidden layers, {default('17', 'detector_epochs')} epochs on the labels and as many on "
        "energies, and beside it Mahalanobis distances"
    )


@shown
def stitched_here() -> str:
    own = f"`{default('16', 'stitch_family')}` of width {default('16', 'stitch_width')} on digits"
    return "; ".join([own, *(f"{_trained(found)} ({title})" for title, found in executed("16"))])


@shown
def task_loss_here() -> str:
    return f"{default('16', 'matching_rate'):g}, {default('16', 'matching_epochs')} epochs of {_digits():,} images, no augmentation"


@shown
def violations_here() -> str:
    from lib.stitching.identification import LEVEL

    return f"one-sided sign test over the images, at {LEVEL:g} over the number of other sources; plain counts beside it"


@shown
def fit_images_here() -> str:
    return f"{default('16', 'fit_images')} images"


@shown
def positions_here() -> str:
    from lib.views.three_views import LEAST_POSITIONS

    return f"{default('18', 'fit_images')} images, or as many more as give {LEAST_POSITIONS:,} positions"


@shown
def psi_here() -> str:
    from lib.sphere.fits import log_psi

    coverage = signature(log_psi).parameters["coverage"].default
    return (
        f"Silverman's robust rule, reflected at both ends of the cosine; psi over the central {100 * coverage:g} % of t; "
        "exponential, quadratic exponential and power by maximum likelihood"
    )


@shown
def momentum_here() -> str:
    from torch.nn import BatchNorm2d

    return f"{BatchNorm2d(1).momentum:g}, PyTorch's"
