"""The numbers behind the figures that people explore, as tables for `static/figures.js`: made of results/, not of chapters.

The reader touches a table in the page, copies it as CSV, and copies the command that computes it.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping

import studies
from figure_tables import (
    architectures,
    attack,
    detected,
    diagonals,
    ensembles,
    late_shares,
    layers,
    maps,
    means,
    members,
    over_width,
    populations,
    protocols,
    ranked,
    same,
    stitches,
    through_training,
    transformers,
    widths_of,
)
from lib.figures import SIMILARITY


def behind(chapter: str, caption: str, found: Mapping) -> dict | None:
    """What a figure shows, by how its caption begins, from the chapter's results; None where it is not known.

    -> kind: 'map' or 'lines'; columns, rows: the table; panel, x, y, value, by: names of columns; n: how many of what;
    how it is drawn: shared (one scale of colours), top (its end), down (the first row above), log (x), steep (panels of a
    logarithmic y).
    """
    for (own, begin), table in FIGURES.items():
        if own == chapter and caption.startswith(begin):
            try:
                return table(found["numbers"], found["parameters"]) | {"n": counts(caption, found["parameters"])}
            except (
                KeyError,
                ValueError,
                TypeError,
                IndexError,
            ):  # results of an earlier revision, which kept other numbers
                return None
    return None


def counts(caption: str, p: Mapping) -> str:
    """'n = 597 test images; networks a population: cnn-small 20, cnn-large 6', as far as a caption and parameters say it."""
    seeds, images = p.get("seeds"), re.search(r"n = [\d,]+ test images?", caption)
    each = ", ".join(f"{family} {count}" for family, count in seeds.items()) if isinstance(seeds, dict) else seeds
    drawn = [f"directions a family: {p['samples']}"] if "samples" in p else []
    return "; ".join(([images[0]] if images else []) + ([f"networks a population: {each}"] if each else []) + drawn)


def command(chapter: str, found: Mapping) -> str:
    """The papermill command that computes a page again."""
    given, table = {}, studies.read_table()
    if (study := found["study"]) in table:
        given = studies.parameters(study, table[study], chapter)
    words = [
        word
        for name, value in given.items()
        for word in ("-p", name, value if isinstance(value, str) else json.dumps(value))
    ]
    return shlex.join([".venv/bin/papermill", f"notebooks/{chapter}.ipynb", "out.ipynb", *words])


# (chapter, how the caption begins) -> its table, of the results' numbers and parameters
FIGURES: dict[tuple[str, str], Callable[[Mapping, Mapping], dict]] = {
    ("01_introduction", "Not in the paper"): lambda n, p: maps(
        n["similarity_by_product"], same([f"k{place + 1}" for place in range(len(n["concentrations"]))]), panel="world"
    ),
    ("02_populations", "Accuracy and loss"): means(accuracy="test_accuracy", loss="test_loss"),
    ("03_individual_similarity", "The paper's Fig. 2"): lambda n, p: maps(
        n["individual"], widths_of(p), top=SIMILARITY
    ),
    ("03_individual_similarity", "The paper's Fig. 12"): lambda n, p: maps(n["expected"], widths_of(p), top=SIMILARITY),
    ("03_individual_similarity", "The trend"): lambda n, p: over_width(
        diagonals(n["expected"]), widths_of(p), "similarity within a width"
    ),
    ("04_hypotheses", "H1"): lambda n, p: over_width(n["variance"], widths_of(p), "spherical variance"),
    ("04_hypotheses", "H2, raw"): lambda n, p: maps(n["cosine_raw"], widths_of(p), top=1),
    ("04_hypotheses", "H2, corrected"): lambda n, p: maps(n["cosine_corrected"], widths_of(p), top=1),
    ("04_hypotheses", "Mean directions"): populations,
    ("05_saw_distribution", "How many ways"): lambda n, p: over_width(
        n["effective_dimension"], widths_of(p), "effective dimension"
    ),
    ("06_deep_ensembles", "Ensembles approach"): members,
    ("06_deep_ensembles", "The paper's Figs. 9 and 24"): ensembles,
    ("07_black_box_attack", "Fig. 25 on"): attack,
    ("07_black_box_attack", "From family to family"): lambda n, p: maps(
        {"all families": n["across"]["mean of ratios"]},
        same([*p["families"], "random signs"]),
        same(p["families"]),
        sides=("source", "target"),
        panel="map",
        top=1,
    ),
    ("08_batch_size", "The paper's Fig. 18a and b"): protocols("similarity"),
    ("08_batch_size", "Fig. 18c, test loss"): protocols("test loss"),
    ("08_batch_size", "Fig. 18c, training loss"): protocols("training loss"),
    ("08_batch_size", "Fig. 18d"): protocols("test accuracy"),
    ("09_vision_transformer", "How well"): means(accuracy="accuracy", loss="loss"),
    ("09_vision_transformer", "The paper's Fig. 21"): lambda n, p: maps(
        {"networks: ρ(k1, k2)": n["expected"]["vit"]}, same(p["widths"]), panel="map"
    ),
    ("09_vision_transformer", "Concentration"): lambda n, p: over_width(n["mean_cosine"], same(p["widths"]), "E[t]"),
    ("09_vision_transformer", "Mean directions"): transformers,
    ("10_released_models", "Fig. 2 on"): lambda n, p: maps({n["family"]: n["similarity"]}, same(n["widths"])),
    ("10_released_models", "Fig. 25 on"): lambda n, p: maps(
        {n["family"]: n["attacks"]["mean of ratios"]}, same(n["widths"]), sides=("source", "target")
    ),
    **{
        ("11_block_structure", f"The paper's {figure}."): lambda n, p, figure=figure: layers(n["maps"][figure])
        for figure in ("Fig. 1", "Figs 2 and D.2", "Fig. C.1", "Fig. D.1")
    },
    ("12_first_component", "The paper's Fig. 3"): lambda n, p: layers(list(n["maps"].values())[0]),
    ("12_first_component", "The same for the widest"): lambda n, p: layers(list(n["maps"].values())[-1]),
    ("12_first_component", "The paper's Fig. D.5"): late_shares,
    ("13_probes_and_deletion", "The paper's Fig. 4"): lambda n, p: layers(n["maps"]),
    ("14_across_networks", "The paper's Fig. 6, small"): lambda n, p: layers(n["maps"]["small"]),
    ("14_across_networks", "Fig. 6, wide"): lambda n, p: layers(n["maps"]["wide"]),
    ("14_across_networks", "Fig. 6, deep"): lambda n, p: layers(n["maps"]["deep"]),
    ("14_across_networks", "The paper's Fig. E.1"): architectures,
    ("16_stitching", "Within one network"): stitches("within"),
    ("16_stitching", "Across seeds"): stitches("across seeds"),
    ("17_out_of_distribution", "Stitched against own"): detected,
    ("19_which_measure", "Measures by tests"): ranked,
    ("20_while_they_learn", "While they learn"): through_training,
    ("own_models", "Groups of networks"): lambda n, p: maps(
        {"expected similarity": n["expected"], "mean directions": n["cosine_corrected"]},
        same(n["groups"]),
        sides=("one", "other"),
        panel="map",
    ),
    ("A2_scale", "Similarity within a width"): lambda n, p: over_width(
        n["expected"], widths_of(p), "similarity within a width"
    ),
}
