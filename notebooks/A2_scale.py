# %% [markdown]
# # A2. Images, epochs and the paper's numbers
#
# **Question.** The networks of this book see fewer images, and see them less often, than the authors' did. How do their
# similarities stand beside the numbers that there are, and what would one more factor of two do?
#
# **What there is.** The paper's own numbers are not at hand {cite:p}`wang2024great`. With their program the authors
# released one picture of similarities ({doc}`10_released_models`): 17 `cnn-small` networks for CIFAR-10 of widths 8 to
# 128, one of each, trained with all 50,000 images and, as the released scripts have it, for 100 epochs (the program's
# default is 200). It averages over 256 test images. Neighbouring widths have similarities from 0.04 at $k = 8$ to 0.43
# at $k = 112$ to 128.
#
# The first part puts this book's $\rho(k, k)$ and the picture's on one axis. The second trains one family with fewer
# images and with fewer and more epochs.
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
widths = {"cnn-small": [2, 4, 8, 16, 32], "cnn-large": [2, 4, 8, 16], "resnet-small": [2, 4, 8, 16, 32],
          "resnet-large": [2, 4, 8, 16]}
seeds = {"cnn-small": 20, "cnn-large": 6, "resnet-small": 6, "resnet-large": 6}
epochs = 20
precision = "float32"
scale_family = "cnn-small"
scale_widths = [2, 4, 8]
scale_seeds = 6
train_counts = [300, 600, 1200]  # training images, at `epochs` epochs
epoch_counts = [5, 10, 20, 40]  # with all training images
output = "logit"
grid = 8
bootstrap_draws = 300
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters
from lib.family_widths import by_family

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs",
                                "precision", "scale_family", "scale_widths", "scale_seeds", "train_counts",
                                "epoch_counts", "output", "grid", "bootstrap_draws", "random_seed"])
widths_of = by_family(p.widths, p.families)
parameters.check_widths(widths_of, 3)
parameters.check_family_widths([p.scale_family], p.scale_widths, "scale_widths")
parameters.check_epoch_counts(p.epoch_counts, 2)

# %%
import warnings

import numpy as np
from myst_nb import glue

from lib import data, figures, gates, results, salience
from lib.chapters import scale as chapter
from lib.effects import paired, scale
from lib.effects.paired import by_population
from lib.released import heatmaps
from lib.similarity import crossed
from lib.statistics.intervals import bounded
from lib.training.populations import population_grid, test_accuracies

# %% [markdown]
# ## The networks and the picture
#
# The networks are those of {doc}`02_populations`; what is missing is trained now. Of the picture the numbers that were
# read off it are part of the project.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
n_train, n_images = len(images.train_labels), len(images.test_labels)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
parameters.check_train_counts(p.train_counts, n_train, len(images.classes))
reading = heatmaps.read(heatmaps.SIMILARITY)
picture = reading.values
print(f"released picture: {len(picture)} widths, each number read to +-{np.nanmax(reading.resolution):.3f} or better")

# %% tags=["nbval-ignore-output"]
warnings.filterwarnings("ignore", message=".*gradients are zero")  # averages leave them out; chapter 3 counts such
populations = population_grid(images, p.families, widths_of, p.seeds, epochs=p.epochs, precision=p.precision)
directions = salience.population_directions(populations, images, output=p.output, grid=p.grid)
rng = np.random.default_rng([p.random_seed, 12])
matrices = {family: crossed.similarity_matrix(row, rng, p.bootstrap_draws)
            for family, row in salience.by_family(directions).items()}
chapter.conditions_table(images, populations).style.hide(axis="index")

# %% [markdown]
# Accuracies are means over the networks of a width, of the widths with the lowest and the highest. Those of six of the
# authors' networks are measured in {doc}`10_released_models`.

# %% [markdown]
# ## Beside the picture
#
# The picture has one network of each width, so $\rho(k, k)$, two networks of one width, is not in it. Two readings
# stand for it:
#
# - the similarity of **neighbouring widths**, drawn at their geometric mean;
# - **exp(2a)** of the fit $\log \rho_{ij} = a_i + a_j$ over all pairs of different widths. If all widths share one mean
#   direction, $e^{a_k}$ is $\mathbb E[t_k]$ ({doc}`04_hypotheses`), and $\rho(k, k) = e^{2 a_k}$.
#
# What differs is more than the number of images and of epochs: the images themselves (unless this page is made for
# CIFAR-10), and that the picture's networks are single ones, without an interval.

# %% mystnb={"image": {"alt": "Similarity of two networks of one width over the width on a logarithmic axis: one line with intervals for each family of this book, and in black the two readings of the authors' released picture, which rise from 0.04 at width 8 to over 0.4 at width 128."}} tags=["hide-input", "nbval-ignore-output"]
diagonals = {family: bounded([np.diagonal(part) for part in matrix.interval()], -1, 1) for family, matrix in matrices.items()}
counted = ", ".join(f"{sum(matrix.networks)} {family}" for family, matrix in matrices.items())
theirs = (f"the picture: {heatmaps.DATASET}, {heatmaps.TRAINING_IMAGES} training images, "
          f"{heatmaps.EPOCHS} epochs in the released scripts, {heatmaps.IMAGES} test images, "
          f"{len(heatmaps.WIDTHS)} networks, one a width, no intervals.")
figures.show(chapter.beside_picture(diagonals, widths_of, picture),
             f"**Similarity within a width.** Here: {p.dataset}, {n_train} training images, {p.epochs} epochs, "
             f"n = {n_images} test images; networks over all widths: {counted}; 95 % intervals over networks and "
             f"images. Black: {theirs}")

# %% [markdown]
# ### How fast does it grow?
#
# With $\mathbb E[t_k] \sim k^b$, $\rho(k, k) \sim k^{2b}$. Both exponents are the least-squares slope of $a_k$ over
# $\log k$, from pairs of different widths, over the span of widths that both have.

# %% tags=["nbval-ignore-output"]
growth = {family: heatmaps.compared_growth(matrix, widths_of[family], picture) for family, matrix in matrices.items()}

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.growth_table(matrices, growth).style.hide(axis="index")

# %% [markdown]
# The last column tells how good the reading of the picture is: on the networks here $\rho(k, k)$ is known, and $e^{2a}$
# is that many times as large.

# %% [markdown]
# ## More images, more epochs
#
# Now one family is trained again. Along the first line the training set doubles at a fixed number of epochs; a smaller
# set is a balanced part of every larger one, and the test images are the same for all. Along the second the number of
# epochs doubles with all images.
#
# **Equal epochs with more images mean more steps**: twice the images, like twice the epochs, make up to twice the
# steps, which the table counts (the last batch of an epoch takes what is left). So the first line is not about new
# images alone. The difference of the two tells new images from further passes over the old ones, in about as many
# steps. Not quite: the learning rate falls with the epoch, so that later passes move the weights less.

# %%
lines = scale.lines(p.train_counts, p.epoch_counts, n_train, p.epochs)
print(chapter.settings_table(lines).to_string(index=False))

# %% tags=["nbval-ignore-output"]
scaled = scale.scaled_populations(images, p.scale_family, p.scale_widths, p.scale_seeds, lines, p.precision)
measures = paired.measure(scaled, images, np.random.default_rng([p.random_seed, 13]), p.bootstrap_draws,
                          output=p.output, grid=p.grid, training_loss=False)[p.scale_family]
print(f"networks: {measures.seeds * len(measures.recipes)}, seeds over all widths: {measures.seeds}; "
      f"test images: {n_images}")

# %% mystnb={"image": {"alt": "Four panels: similarity of two networks of one width above and test accuracy below, over the number of training images on the left and the number of epochs on the right, both on logarithmic axes, one line with intervals for each width."}} tags=["hide-input"]
figures.show(chapter.over_scale(p.scale_family, measures, lines, p.scale_widths),
             f"**Similarity and accuracy over training images and over epochs.** n = {n_images} test images; "
             f"{measures.seeds} seeds over {len(p.scale_widths)} widths, {measures.seeds * len(measures.recipes)} "
             "networks. 95 % intervals over networks and images; points of one line share seeds and images, so that "
             "their differences are surer than the bars suggest.")

# %% [markdown]
# ## Per doubling
#
# The least-squares slope over $\log_2$ of the number of images or epochs, as in {doc}`08_batch_size`. The *factor* is
# the exponential of the slope of $\log \rho$: one more doubling multiplies $\rho(k, k)$ by it, as long as the trend
# goes on.
#
# *Intervals.* Initial weights depend on family, width and seed alone, so networks of one seed start alike under all
# settings: a seed is left out of all of them at once, and test images are drawn again for all at once. Which training
# images are in a subset is one draw; the intervals do not cover others.

# %% tags=["hide-input", "nbval-ignore-output"]
effects = scale.effects(measures, lines)
chapter.doublings_table(measures, lines, effects, p.scale_widths).style.hide(axis="index")

# %% [markdown]
# *How far to the picture?* If the trend went on, which nothing here tells, so many doublings would lead to its
# similarity. The question is only asked of the picture's own family and data, `cnn-small` and CIFAR-10: no doubling
# makes up for what else differs, and the table is empty otherwise.

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.distance_table(p.scale_family, measures, lines, p.scale_widths, p.dataset, picture)

# %% [markdown]
# ## Verdicts
#
# The picture's exponent is taken as it is. Contradicted says that these networks on these images grow at another pace,
# not that the picture is wrong. The claims, with rules that do not depend on this run, and what the networks of all
# settings must have learnt:

# %% tags=["hide-input"]
results.rules([chapter.MORE, chapter.GROWTH], family="a family", line="images or epochs", first="k", last="K")

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
at_settings = {key[1:]: [network.test_accuracy[-1] for network in one.networks] for key, one in scaled.items()}
scaled_gates = gates.of_families({f"{p.scale_family} at all settings": at_settings}, p.dataset, len(images.classes))
results.gates(learnt | scaled_gates)

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = chapter.scale_claims(p.scale_family, measures, lines, *scaled_gates.values())
verdicts += chapter.growth_claims(heatmaps.FAMILY, growth.get(heatmaps.FAMILY), learnt.get(heatmaps.FAMILY, ()))
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - The paper does not show, as far as is known, how similarity depends on the number of images or epochs. Both lines
#   are additions.
# - How the released picture's networks were trained is known from scripts only: 100 epochs there, 200 by the program's
#   default.
# - The picture's readings for $\rho(k, k)$ rest on pairs of different widths. Its 17 single networks have no interval:
#   other seeds might move each point.
# - The doubled numbers are small ones. That a trend over three doublings goes on is not shown by them.
# - The learning rate follows the epoch, as in the authors' program: more epochs go on with smaller steps.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts, level=None), display=False)
numbers = {"images": n_images, "training_images": n_train,
           "expected": {family: dict(zip(("estimate", "low", "high"), found)) for family, found in diagonals.items()},
           "picture": dict(zip(heatmaps.WIDTHS, heatmaps.own_similarity(picture))),
           "growth": {family: None if found is None else {"here": found.here, "picture": found.picture,
                                                          "widths": found.widths} for family, found in growth.items()},
           "settings": {line: [[setting.n_train, setting.epochs, setting.steps()] for setting in settings]
                        for line, settings in lines.items()},
           "setting_order": [[setting.n_train, setting.epochs] for setting in measures.recipes],
           "seeds": measures.seeds,
           "measures": {name: dict(zip(("estimate", "low", "high"), by_population(measures, name)))
                        for name in ("similarity", "test loss", "test accuracy")},
           "effects": effects,
           "factors": {line: scale.similarity_factors(measures, lines, line) for line in lines}}
results.write(p.study, "A2_scale", vars(p), numbers, verdicts)
