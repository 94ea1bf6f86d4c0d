# %% [markdown]
# # A1. The choices that the paper leaves open
#
# **Question.** The paper's text is not at hand, and its program leaves some things open: which score is differentiated,
# how coarsely gradients are averaged, how many test images and networks there are, how long they are trained. The
# chapters of this book had to choose. Would their conclusions be others if they had chosen otherwise?
#
# **What is known** {cite:p}`wang2024great`.
#
# | choice | the authors' program |
# |---|---|
# | score | logit of the true class, its probability as an option |
# | grid | averages of 32 x 32 pixels to 8 x 8 |
# | test images | the first 256, right or wrong |
# | networks | one a width in the demonstration |
# | epochs | 100 or 200 |
#
# Digits have no more pixels than a grid of 8. Coarser grids stand for what the authors' program does to larger images,
# where a cell of the grid holds several pixels.
#
# One choice is varied at a time, the rest stays as in the chapters. Every setting is judged by the claims of
# {doc}`03_individual_similarity` and {doc}`04_hypotheses`, with the rules that stand there.
#
# **What it shows here.**
#
# ```{glue:md} answer
# :format: myst
# ```

# %% tags=["hide-input", "parameters"]
study = "mine"
dataset = "digits"
n_train = None  # all images; so for n_test
n_test = None
families = ["cnn-small", "cnn-large", "resnet-small", "resnet-large"]
widths = [2, 4, 8, 16]
seeds = {"cnn-small": 20, "cnn-large": 6, "resnet-small": 6, "resnet-large": 6}
outputs = ["logit", "probability", "log-probability"]  # the first is the default, here and of grids and epochs
grids = [8, 4, 2]
image_counts = [256, 64]  # the default is all, here and of networks
network_counts = [6]
epoch_counts = [20, 5, 40]
precision = "float32"
costly_family = "cnn-small"
epochs_widths = [2, 4, 8]
epochs_seeds = 6
precision_seeds = 6
bootstrap_draws = 200
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "outputs",
                                "grids", "image_counts", "network_counts", "epoch_counts", "precision",
                                "costly_family", "epochs_widths", "epochs_seeds", "precision_seeds", "bootstrap_draws",
                                "random_seed"])
parameters.check_shared_widths(p.widths)
parameters.check_among("costly_family", p.costly_family, "families", p.families)
parameters.check_among("epochs_widths", p.epochs_widths, "widths", p.widths)

# %%
import warnings
from functools import partial

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from myst_nb import glue

from lib import data, figures, gates, results, salience, similarity
from lib.chapters import open_choices, open_choices_figures
from lib.effects.learning import by_epochs
from lib.salience.direction_store import right_only
from lib.salience.extraction import coarser
from lib.statistics.intervals import bounded, in_brackets, overlap
from lib.training.populations import population_grid, test_accuracies
from lib.training.specification import specify
from lib.verdicts import judged

# %% [markdown]
# ## The networks of the chapters

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
channels, size = images.test_images.shape[1:3]
parameters.check_at_most("image_counts", p.image_counts, len(images.test_labels))
for grid in p.grids:
    parameters.check_grid(grid, channels, size, "grids")
populations = population_grid(images, p.families, p.widths, p.seeds, epochs=p.epoch_counts[0], precision=p.precision)

# %% tags=["nbval-ignore-output"]
warnings.filterwarnings("ignore", message=".*gradients are zero")  # they are counted here
under = partial(open_choices.judge, widths=p.widths, seed=p.random_seed, draws=p.bootstrap_draws)
found = salience.population_directions(populations, images, output=p.outputs[0], grid=p.grids[0])
zeros = {p.outputs[0]: similarity.zero_counts(found)}
default = salience.by_family(found)
outcomes = {open_choices.DEFAULT: under(default)}

# %%
networks = {family: sum(map(len, row)) for family, row in default.items()}
n_images = len(images.test_labels)
print("networks:", ", ".join(f"{count} {family}" for family, count in networks.items()) + f"; test images: {n_images}")

a_width = sorted({len(u) for row in default.values() for u in row}, reverse=True)
varied = {"score": (p.outputs[0], p.outputs[1:]), "grid": (p.grids[0], p.grids[1:]),
          "test images": (f"all {n_images}", [f"first {count}" for count in p.image_counts] + ["right ones only"]),
          "networks a width": (" or ".join(map(str, a_width)), [f"at most {count}" for count in p.network_counts]),
          "epochs": (p.epoch_counts[0], p.epoch_counts[1:])}
choices = pd.DataFrame([[choice, usual, ", ".join(map(str, others))] for choice, (usual, others) in varied.items()],
                       columns=["choice", "as in the chapters", "also here"])
open_choices.spaced(choices, "choices").hide(axis="index")

# %% tags=["nbval-ignore-output"]
print(f"gradients of the {p.outputs[0]} that are exactly zero, of {n_images} for each network; averages leave them out\n"
      + pd.DataFrame(zeros[p.outputs[0]]).rename_axis("k").to_string())

# %% [markdown]
# ## Which score
#
# With $z_c$ for the logit of class $c$, $p_c$ for its probability and $y$ for the true class,
#
# $$ \nabla_x \log p_y = \frac{\nabla_x\, p_y}{p_y} = \nabla_x z_y - \sum_c p_c \nabla_x z_c . $$
#
# The gradients of the probability and of its logarithm differ by a positive factor: they have *one direction*, and there are
# only two choices, not three. Where both are computed here they differ by rounding alone, where $p_y$ is nearly 1 or 0.
# Unlike the logit's, this direction stays when one function of the image is added to all logits, which changes no answer of
# the network. The attack of {doc}`07_black_box_attack` steps against the signs of the probability's gradient, so that
# the logarithm would make the same attack.

# %% tags=["nbval-ignore-output"]
for output in p.outputs[1:]:
    found = salience.population_directions(populations, images, output=output, grid=p.grids[0])
    zeros[output] = similarity.zero_counts(found)
    outcomes["score", output] = under(salience.by_family(found))
print("gradients that are exactly zero, over all widths\n" + pd.DataFrame({
    output: {family: sum(counts.values()) for family, counts in found.items()} for output, found in zeros.items()}).to_string())

# %% [markdown]
# ## How coarse a grid
#
# Averaging over areas is linear and a direction has no length, so the directions of a coarser grid follow from those of
# the finer one; no gradient is taken again. Fewer cells mean fewer dimensions, $d = g^2$ for each channel of a grid of $g$.

# %%
for grid in p.grids[1:]:
    outcomes["grid", f"{grid} x {grid}"] = under(
        {family: [coarser(u, channels, grid) for u in row] for family, row in default.items()})

# %% [markdown]
# ## Which images, and how many networks
#
# The first images in the order of the data set, as the authors' program takes them, and the first networks of every
# population. For *right ones only* two networks are compared on the images that both of them get right. This needs
# the predictions of all networks and is looked at in one family.

# %%
for count in p.image_counts:
    outcomes["images", f"first {count}"] = under({family: [u[:, :count] for u in row] for family, row in default.items()})
outcomes["images", "right ones only"] = under({p.costly_family: [
    right_only(u, populations[p.costly_family, k], images)
    for k, u in zip(p.widths, default[p.costly_family])]})
for count in p.network_counts:
    outcomes["networks", f"at most {count}"] = under({family: [u[:count] for u in row] for family, row in default.items()})

# %% [markdown]
# ## How long to train
#
# A network's initial weights and its order of images do not depend on the number of epochs, and the learning rate of an epoch
# depends on that epoch alone. Networks of few epochs are therefore the *same runs* as those of many, looked at earlier.
# Training takes time, so this is one family, with networks and widths of its own number (`epochs_seeds`, `epochs_widths`),
# by default fewer; the default number of epochs is judged on the same networks, and the others are compared with that.

# %% tags=["nbval-ignore-output"]
family = p.costly_family
accuracy = {}
for count in p.epoch_counts:
    trained = population_grid(images, [family], p.epochs_widths, {family: p.epochs_seeds}, epochs=count,
                              precision=p.precision)
    found = salience.population_directions(trained, images, output=p.outputs[0], grid=p.grids[0])
    name = f"{count}, fewer networks" if count == p.epoch_counts[0] else str(count)
    outcomes[open_choices.EPOCHS, name] = under(salience.by_family(found), widths=p.epochs_widths)
    accuracy[count] = {k: sum(network.test_accuracy[-1] for network in trained[family, k].networks)
                       / len(trained[family, k]) for k in p.epochs_widths}
    print(f"{count} epochs: mean test accuracy "
          + ", ".join(f"{value:.3f} (k = {k})" for k, value in accuracy[count].items())
          + f"; gradients that are exactly zero: {sum(similarity.zero_counts(found)[family].values())}")

# %% [markdown]
# ## In which numbers
#
# The networks of real images that `make train` makes are trained with `precision = "mixed"`: where a processor is faster
# with it, convolutions round their inputs, weights and outputs to the 8 bits of a bfloat16, and elsewhere they compute in
# float32. Does a population get other similarities by that? The same family at the largest of these widths, the same seeds, once in each; networks of
# few epochs are again those of many, looked at earlier.

# %% tags=["nbval-ignore-output"]
width = p.epochs_widths[-1]
recipes = {precision: specify(images, family, width, epochs=p.epoch_counts[0], precision=precision)
           for precision in ("float32", "bfloat16")}
rounded = {precision: by_epochs(recipe, p.precision_seeds, images, output=p.outputs[0], grid=p.grids[0],
                                             rng=np.random.default_rng([p.random_seed, 8]), draws=p.bootstrap_draws)
           for precision, recipe in recipes.items()}

# %% mystnb={"image": {"alt": "Similarity of two networks of one width over the number of epochs, one line with intervals for networks trained in float32 and one for those trained in bfloat16."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(open_choices_figures.precisions(rounded),
             f"**float32 and bfloat16.** ρ({width}, {width}) of {family} over the epochs; n = {p.precision_seeds} networks "
             f"each, {n_images} test images, 95 % intervals over networks and images.")

# %% tags=["nbval-ignore-output"]
print("epochs  float32               bfloat16              intervals")
for count in recipes["float32"].snapshots:
    one, other = rounded["float32"][count], rounded["bfloat16"][count]
    print(f"{count:6}  {in_brackets(one, '.3f')}  {in_brackets(other, '.3f')} ",
          "overlap" if overlap(one, other) else "are apart")

# %% [markdown]
# ## All settings
#
# The verdicts, in each cell one mark for each family in the order given below: ✔ supported, ✘ contradicted, ? undecided,
# ○ not tested, with fewer than six networks of a width, · not looked at.

# %% tags=["hide-input", "nbval-ignore-output"]
display(Markdown(f"Order of the families: {', '.join(p.families)}."))
open_choices.spaced(open_choices.table(outcomes, p.families, open_choices.marks, "·"), "verdicts")

# %% [markdown]
# The numbers behind them, in the same order. $\mathbb E[t]$ of a width is the root of its $\rho(k, k)$.

# %% tags=["hide-input", "nbval-ignore-output"]
open_choices.spaced(open_choices.table(outcomes, p.families, open_choices.numbers, "–"), "numbers")

# %% mystnb={"image": {"alt": "A panel for each choice that is varied: similarity of two networks of one width over the width, the default as a black line and the other settings as coloured lines, with intervals."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(open_choices_figures.by_choice(outcomes, p.costly_family),
             f"**Similarity over width under each choice.** {p.costly_family}; black: as in the chapters, {n_images} test images "
             f"and {networks[p.costly_family]} networks over all widths; for epochs {p.epochs_seeds} networks a width. "
             "95 % intervals over networks and images.")

# %% mystnb={"image": {"alt": "Four panels, growth, H1, H2 and rank one: a row for each setting with the estimate and interval of every family, and a vertical line where the rule decides."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(open_choices_figures.statistics(outcomes, p.families),
             "**What decides.** The estimates behind the conclusions with 95 % intervals over networks and "
             "images; the vertical line is the bound of the rule. For H2 the pair of widths that decides, its interval cut at 1. "
             "Intervals without an end mark go on beyond the picture. "
             f"n = {n_images} test images where nothing else is said; networks over all widths as in the chapters: "
             + ", ".join(f"{count} {family}" for family, count in networks.items()) + ".")

# %% [markdown]
# A verdict can stay while the number moves. The largest change that each choice makes, against the chapters' setting; that
# of epochs is against the default number of epochs on the same networks.

# %% tags=["hide-input", "nbval-ignore-output"]
open_choices.spaced(open_choices.largest_changes(outcomes), "changes")

# %% [markdown]
# ## Which conclusions depend on the choices?
#
# Each conclusion is claimed to depend on none of them. Where that is undecided, the chapter's rule cannot tell
# under some setting, often one with little data. The networks must have learnt something under the default setting:

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
results.gates(learnt)

# %% tags=["hide-input"]
results.rules(open_choices.DEPENDENCE)

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = judged(open_choices.DEPENDENCE, outcomes, sum(learnt.values(), []))
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - The paper names none of these choices as far as is known; the values of the authors' program stand in the first table.
# - Choices are varied one at a time. Two of them together may do what neither does alone.
# - Score, grid, images and networks are varied on the same trained networks, so that their settings are not independent
#   of each other: the marks of a row of settings are not so many confirmations.
# - An undecided verdict of few networks or images may only say that they are few, not that the choice matters. The
#   estimates in the last figure help to tell the two apart.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts, level=None), display=False)
numbers = {"images": n_images, "accuracy": {family: accuracy}, "precision": {"width": width, "rho": rounded},
           "settings": {": ".join(setting): {family: {
               **outcome.numbers, "widths": outcome.widths,
               "rho": dict(zip(("estimate", "low", "high"), (part.diagonal() for part in bounded(outcome.matrix.interval(), -1, 1)))),
               "verdicts": {conclusion: claim.verdict for conclusion, claim in outcome.claims.items()}}
               for family, outcome in found.items()} for setting, found in outcomes.items()}}
results.write(p.study, "A1_open_choices", vars(p), numbers, verdicts)
