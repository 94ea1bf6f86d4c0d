"""The settings in book/deviations.md: what this book does where a paper does otherwise, as chapters and studies have it.

Beside `measured`: a function's name is what the page calls its setting by.  Chapters' are those of their parameters cells, studies'
those of book/studies.toml, the others constants of the program.
"""

from inspect import signature

import chapters
import studies
import tables
from lib.run import defaults
from measured import provenance, shown, span


def default(chapter: str, parameter: str) -> object:
    """What a chapter's parameter is unless it is given; a chapter by its number."""
    (source,) = chapters.NOTEBOOKS.glob(f"{chapter}_*.py")
    return defaults(source)[parameter]


def given(study: str) -> dict:
    """The parameters that chapters of a study share."""
    return studies.read_table()[study]["parameters"]


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


@shown
def studies_here() -> str:
    own, later = given("cifar10"), given("cifar100")
    if later != given("tiny-imagenet"):
        raise ValueError("the studies of CIFAR-100 and Tiny ImageNet differ, and are told of together")
    widths, seeds = sorted({*own["widths"], *later["widths"]}), {*own["seeds"].values(), *later["seeds"].values()}
    return (
        f"{own['n_train']:,} images, {own['epochs']} epochs on CIFAR-10; {later['n_train']:,} and {later['epochs']} on parts of "
        f"CIFAR-100 and Tiny ImageNet; widths {span(widths, '.0f')}, {counted(list(seeds), 'or')} networks; the latter two "
        f"with the families {' and '.join(later['families'])}, and in chapters 2 and 3 alone"
    )


@shown
def few_images_here() -> str:
    images = given("cifar10-16")["n_train"]
    return f"{default('11', 'n_train')} digits, and {images} images of CIFAR-10 at 16 x 16 pixels; no ImageNet"


@shown
def sizes_here() -> str:
    study = given("cifar10-16")
    return (
        f"depth to {max(default('11', 'depths'))}, width to {max(default('11', 'widths'))} (digits); depth to "
        f"{max(study['depths'])}, width to {max(study['widths'])} (CIFAR-10)"
    )


@shown
def deep_training_here() -> str:
    from lib.training.wide_and_deep import RECIPE

    return (
        f"{default('11', 'epochs')} epochs (digits) or {given('cifar10-16')['epochs']} (CIFAR-10) in batches of {RECIPE['batch_size']}, "
        "no augmentation, the last epoch; learning rate, schedule, momentum and weight decay are the program's"
    )


@shown
def less_data_here() -> str:
    study = studies.read_table()["cifar10-16"]["chapters"]["11_block_structure"]
    return f"{counted(default('11', 'train_counts'))} digits; {counted(study['train_counts'])} images of CIFAR-10"


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
    images = given("cifar10-stitching")["n_train"]
    return (
        f"ResNet-18 of width {default('16', 'stitch_width')} (`{default('16', 'stitch_family')}`) on digits, and on {images:,} "
        "images of CIFAR-10 at 16 x 16 pixels"
    )


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
