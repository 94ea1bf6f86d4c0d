"""The numbers of book/deviations.md, each computed from results/ when the pages are built.

A function's name is what the page calls its number by, as {{ extrapolation }}; its annotations are Markdown.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache

import numpy as np
from jinja2 import UndefinedError

from chapters import ROOT
from lib.statistics.intervals import in_brackets

MINUS = "−"
MEASURED: dict[str, Callable[[], str]] = {}
DEFAULT = "default: as in the chapters"
NARROWEST, WIDEST, COSINE = "ρ(k, k), narrowest", "ρ(k, k), widest", "lowest cosine of two mean directions"


def all_measured() -> dict[str, str]:
    """Name -> what the page shows.

    Raises:
        ValueError: a number whose source is not in results/.
    """
    numbers.cache_clear()
    found = {}
    for name, function in MEASURED.items():
        try:
            found[name] = function()
        except (OSError, KeyError, IndexError, TypeError, ValueError, UndefinedError) as error:
            raise ValueError(f"the number {name} of book/deviations.md has no source in results/: {error!r}") from error
    return found


def shown(function: Callable[[], str]) -> Callable[[], str]:
    """Make a function a number of the page."""
    MEASURED[function.__name__] = function
    return function


@cache
def numbers(chapter: str, study: str = "book") -> dict:
    """The numbers of a chapter, as the latest run of this machine or a study's has them."""
    return _written(chapter, study)["numbers"]


def provenance(chapter: str) -> dict:
    """What the numbers of a chapter rest on: its data, its networks and the machine."""
    return _written(chapter, "book")["provenance"]


def _written(chapter: str, study: str) -> dict:
    (path,) = (ROOT / "results" / study).glob(f"{chapter}_*.json")
    return json.loads(path.read_text())


def span(values: Iterable[float], style: str = ".2f") -> str:
    """'0.35 to 0.80', or one number where both are written alike."""
    values = np.array(list(values), dtype=float)
    low, high = f"{np.nanmin(values):{style}}", f"{np.nanmax(values):{style}}"
    return (low if low == high else f"{low} to {high}").replace("-", MINUS)


def _settings(beginning: str) -> dict[str, dict]:
    found = {name: of for name, of in numbers("A1")["settings"].items() if name.startswith(beginning)}
    return found or {}[beginning]


def _changed_verdicts(setting: Mapping[str, dict]) -> str:
    """How many verdicts of appendix A1 differ from those with the defaults."""
    default = numbers("A1")["settings"][DEFAULT]
    changed = [
        own["verdicts"][claim] != default[family]["verdicts"][claim]
        for family, own in setting.items()
        for claim in own["verdicts"]
    ]
    return f"{sum(changed) or 'none'} of {len(changed)} verdicts differ{'' if sum(changed) > 1 else 's'}"


def _largest_change(setting: Mapping[str, dict], *measures: str) -> str:
    default = numbers("A1")["settings"][DEFAULT]
    changes = [own[name] - default[family][name] for family, own in setting.items() for name in measures]
    return f"{np.max(np.abs(changes)):.2f}"


@shown
def other_epochs() -> str:
    settings = _settings("epochs:")
    rho = {
        name.removeprefix("epochs: ").split(",")[0]: of["cnn-small"]["rho"]["estimate"] for name, of in settings.items()
    }
    parts = [f"{epochs} epochs {rho[epochs][0]:.2f} and {rho[epochs][-1]:.2f}" for epochs in sorted(rho, key=int)]
    return f"cnn-small, ρ(k, k) of the narrowest and the widest networks: after {', '.join(parts)} (appendix A1)"


@shown
def more_images() -> str:
    factors = numbers("A2")["factors"]
    images, epochs = (in_brackets([row[-1] for row in factors[name]]) for name in ("training images", "epochs"))
    return f"cnn-small: twice the images multiply ρ(k, k) by {images}, twice the epochs by {epochs} (appendix A2)"


@shown
def other_scalars() -> str:
    setting = _settings("score: probability")["score: probability"]
    return (
        "probability and log-probability have one direction; with it ρ(k, k) of the narrowest and the widest changes by "
        f"{_largest_change(setting, NARROWEST, WIDEST)} at most, the lowest mean-direction cosine by "
        f"{_largest_change(setting, COSINE)}; {_changed_verdicts(setting)} (appendix A1)"
    )


@shown
def coarser_grids() -> str:
    default = numbers("A1")["settings"][DEFAULT]
    parts = []
    for name, setting in _settings("grid:").items():
        rho = span(own[WIDEST] for own in setting.values())
        parts.append(f"a grid of {name.removeprefix('grid: ')} makes it {rho}, {_changed_verdicts(setting)}")
    before = span(own[WIDEST] for own in default.values())
    return f"none on digits at 8 x 8; ρ(k, k) of the widest networks is {before}; {'; '.join(parts)} (appendix A1)"


@shown
def fewer_test_images() -> str:
    setting = _settings("images: first 256")["images: first 256"]
    right = _settings("images: right")["images: right ones only"]
    return (
        f"with the first 256 ρ(k, k) of the narrowest and the widest changes by "
        f"{_largest_change(setting, NARROWEST, WIDEST)} at most, {_changed_verdicts(setting)}; on images that both networks "
        f"get right by {_largest_change(right, NARROWEST, WIDEST)} (cnn-small; appendix A1)"
    )


@shown
def fewer_networks() -> str:
    parts = [
        f"with {name.removeprefix('networks: at most ')} networks at most {_changed_verdicts(setting)}"
        for name, setting in _settings("networks:").items()
    ]
    return f"{'; '.join(parts)} (appendix A1)"


@shown
def estimators_of_t() -> str:
    errors: dict[str, list[float]] = {}
    for name, found in numbers("04")["planted"].items():
        truth = float(name.split("=")[1].split(",")[0])
        for estimator, values in found.items():
            errors.setdefault(estimator, []).extend(np.subtract(values, truth))
    largest = {name: f"{max(np.abs(values)):.2g}" for name, values in errors.items()}
    return (
        f"planted truth: off by {largest['pairs']} at most, where t from a mean that holds the network itself is up to "
        f"{largest['own mean']} too large and plain leave-one-out up to {largest['leave one out']} too small (chapter 4)"
    )


@shown
def mean_cosines() -> str:
    def lowest(tables: Mapping[str, object]) -> str:
        return span(np.nanmin(np.asarray(table, dtype=float)) for table in tables.values())

    corrected = {family: table["estimate"] for family, table in numbers("04")["cosine_corrected"].items()}
    return (
        f"the lowest raw cosine of two widths of a family is {lowest(numbers('04')['cosine_raw'])}, corrected "
        f"{lowest(corrected)} (chapter 4)"
    )


@shown
def extrapolation() -> str:
    off = [abs(table["estimate"][-1] - 1) for table in numbers("04")["predicted_over_measured"].values()]
    return f"what is foretold for the widest networks is off by {span(np.multiply(off, 100), '.1f')} % (chapter 4)"


@shown
def own_mean_or_others() -> str:
    gaps = [row["E[t], corrected"] - row["mean t, leave one out"] for row in numbers("05")["means"]]
    return (
        f"leave-one-out t is too small, by {span(gaps)} over families and widths; averages are corrected, the distribution "
        "of t is not (chapters 4 and 5)"
    )


def _gain(shape: str) -> str:
    return span(value for family in numbers("05")["gains"].values() for value in family[shape]["estimate"])


@shown
def shapes_of_psi() -> str:
    return (
        f"over the exponential shape the quadratic exponential gains {_gain('quadratic exponential')} nats a direction on "
        f"held-out networks and images, the power {_gain('power')}; where ψ is exponential the better of both gains "
        f"{_gain('the better of both where ψ is exponential')}, for the error of mean directions; a concentration for each "
        f"image {_gain('own κ(x) of each image')} (chapter 5)"
    )


@shown
def asymmetry() -> str:
    dimensions = span(
        (value for family in numbers("05")["effective_dimension"].values() for value in family["estimate"]), ".0f"
    )
    return f"the part across the mean has {dimensions} effective dimensions of {numbers('05')['dimensions'] - 1} (chapter 5)"


@shown
def ensembles() -> str:
    gaps = [
        own["mean unit gradient"] - own["averaged logits"] for own in numbers("06")["averaged_logit_gradient"].values()
    ]
    measures = numbers("06")["measures"].values()
    over = [value for own in measures for value in np.ravel(np.divide(own["t"], own["law"]))]
    return (
        f"t of the averaged logits' gradient is {span(gaps, '.4f')} below that of mean unit gradients; measured E[t] is "
        f"{span(over, '.3f')} of the law that knows how R varies over the images (chapter 6)"
    )


@shown
def smaller_steps() -> str:
    alpha = [own["0.05"]["estimate"][0][0] for own in numbers("07")["by_eps"].values()]
    by_eps = numbers("07")["verdicts_by_eps"].values()
    differ = sum(len(set(own.values())) > 1 for own in by_eps)
    return f"alpha is {span(alpha)} at 0.05; {differ} of {len(by_eps)} verdicts differ there (chapter 7)"


@shown
def lead_of_the_mean() -> str:
    steps, strategies = numbers("07")["by_eps"].values(), numbers("07")["strategies"]
    widest, mean = strategies.index("largest width"), strategies.index("mean direction")
    leads = [own["0.25"]["estimate"][widest][0] - own["0.25"]["estimate"][mean][0] for own in steps]
    return f"its lead over the largest width is {span(leads)} of alpha (chapter 7)"


@shown
def attack_summaries() -> str:
    by_summary = [set(own.values()) for own in numbers("07")["verdicts_by_summary"].values()]
    differ = sum(len(own) > 1 for own in by_summary)
    turned = sum({"supported", "contradicted"} <= own for own in by_summary)
    return f"{differ} of {len(by_summary)} verdicts differ under another summary, {turned or 'none'} turned round (chapter 7)"


@shown
def batch_sizes() -> str:
    effects = numbers("08")["effects"].values()
    fixed, scaled = (
        span((own[protocol]["similarity"][0] for own in effects for protocol in protocols), "+.3f")
        for protocols in (("equal epochs", "equal steps"), ("scaled rate",))
    )
    return f"similarity changes by {fixed} per doubling at a fixed rate, by {scaled} with a scaled one (chapter 8)"


@shown
def transformers() -> str:
    found = {name: own["similarity"]["estimate"][-1] for name, own in numbers("09")["variants"].items()}
    others = [f"{found['vit-deep']:.2f} with 4 blocks", f"{found['vit-coarse']:.2f} with 2 x 2 patches"]
    return f"the similarity of the widest that were varied is {found['vit']:.2f}; {', '.join(others)} (chapter 9)"
