# %% [markdown]
# # 8. Batch size
#
# **Question.** Networks were trained in batches of one size so far. Does it matter for their similarity how many
# images a step averages over?
#
# **What the paper says** {cite:p}`wang2024great`. Its Fig. 18 shows similarity, loss and accuracy of a CNN and a ResNet
# for batches of 64, 128, 256 and 512 images. Only its caption is at hand. A summary written by a program, which is
# wrong about other figures, says that similarity and accuracy rise with the batch size and that the loss falls: the
# directions claimed below are of low trust. The caption says *the loss*, the summary *the training loss*: both losses are
# judged, side by side. What else was changed with the batch size is not known.
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
families = ["cnn-small", "resnet-small"]
widths = [2, 4]
seeds = 6
epochs = 20
precision = "float32"
batch_sizes = [64, 128, 256, 512]
output = "logit"
grid = 8
bootstrap_draws = 300
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs",
                                "precision", "batch_sizes", "output", "grid", "bootstrap_draws", "random_seed"])
parameters.check_shared_widths(p.widths)

# %%
import warnings

import numpy as np
import pandas as pd
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters.batch_size import (
    CHANGE,
    ROWS,
    batch_size_claims,
    effects_table,
    over_batch_size,
    similarity_over_loss,
)
from lib.effects import batch_size, paired
from lib.effects.batch_size import effects, slope_at_equal_loss
from lib.effects.paired import UNITS, by_population
from lib.statistics.intervals import in_brackets

# %% [markdown]
# ## Three ways to change nothing else
#
# Not everything else can stay as it is. Four times as many images in a batch mean a quarter of the steps in as many
# epochs, or four times the epochs in as many steps; and a learning rate that suits the one may be too small for the
# other. The learning rate that the paper took for each batch size is not known. Three protocols, then:
#
# - **equal epochs**: the recipe of {doc}`02_populations` with another batch size. The learning rate in epoch $e$ is
#   $0.1 / \sqrt{e + 1}$, as in the authors' program, whatever the batch size;
# - **equal steps**: the same, with as many epochs as make the number of steps that the middle batch size takes there
#   (the larger of two middle ones), to the nearest whole epoch. The learning rate falls with the epoch, so its course
#   over the steps differs too;
# - **scaled rate**: equal epochs, and a learning rate in proportion to the batch size $B$,
#   $0.1\, (B / 128) / \sqrt{e + 1}$. This rule of thumb keeps constant how far an image moves the weights, as long as
#   steps are small.

# %%
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
n_train, n_images = len(images.train_labels), len(images.test_labels)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
parameters.check_batch_sizes(p.batch_sizes, n_train)
protocols = batch_size.protocols(p.batch_sizes, p.epochs, n_train)
print(pd.DataFrame([{"protocol": name, "batch size": recipe.batch_size, "epochs": recipe.epochs,
                     "steps": recipe.steps(n_train), "first learning rate": recipe.learning_rate}
                    for name, recipes in protocols.items() for recipe in recipes]).to_string(index=False))

# %% [markdown]
# Initial weights and the order of the images depend on family, width and seed alone. Networks of one seed are therefore
# *paired*: they start alike and see the images in the same order, cut into batches of different size. Similarity is
# only taken *within* a population, over pairs of different seeds, never between a network and its twin.

# %% tags=["nbval-ignore-output"]
warnings.filterwarnings("ignore", message=".*gradients are zero")  # averages leave them out; chapter 3 counts such
populations = batch_size.paired_populations(images, p.families, p.widths, p.seeds,
                                            batch_size.distinct_recipes(protocols), p.precision)
found = paired.measure(populations, images, np.random.default_rng([p.random_seed, 8]), p.bootstrap_draws,
                       output=p.output, grid=p.grid)

# %%
seeds_kept = {family: measures.seeds for family, measures in found.items()}
counted = ", ".join(f"{len(measures.recipes) * measures.seeds} {family}" for family, measures in found.items())
accuracies = {family: {key[1:]: [network.test_accuracy[-1] for network in population.networks]
                       for key, population in populations.items() if key[0] == family} for family in p.families}
print(f"seeds over all widths: {seeds_kept}; networks: {counted}; test images: {n_images}")

# %% [markdown]
# ## Similarity, loss and accuracy: Fig. 18
#
# The intervals of single points count networks and images as samples, as in the chapters before. Points of one line
# share seeds and images, so that their differences are surer than the bars suggest; the table below has the intervals
# for these.

# %% mystnb={"image": {"alt": "A row of three panels for each family, one for each protocol: similarity within a population over the batch size on a logarithmic axis, one line with intervals for each width."}} tags=["hide-input"]
caption = f"n = {n_images} test images; networks over all panels: {counted}. 95 % intervals over networks and images."
figures.show(over_batch_size(found, protocols, p.widths, "similarity"),
             f"**The paper's Fig. 18a and b.** Expected similarity of two networks of one population. {caption}")

# %% [markdown]
# The same numbers less that of the smallest batch, seed by seed, so that what widths and seeds differ by drops out:

# %% mystnb={"image": {"alt": "A row of three panels for each family, one for each protocol: the similarity within a population less that of the smallest batch, over the batch size, one line with intervals for each width and a line at zero."}} tags=["hide-input"]
figures.show(over_batch_size(found, protocols, p.widths, "similarity", changes=True),
             f"**The change of similarity** from the smallest batch of each protocol, with intervals of paired seeds. {caption}")

# %% mystnb={"image": {"alt": "A row of three panels for each family, one for each protocol: test loss on a logarithmic axis over the batch size, one line with intervals for each width."}} tags=["hide-input"]
figures.show(over_batch_size(found, protocols, p.widths, "test loss"),
             f"**Fig. 18c, test loss.** Cross entropy of single networks. {caption}")

# %% mystnb={"image": {"alt": "A row of three panels for each family, one for each protocol: training loss on a logarithmic axis over the batch size, one line with intervals for each width."}} tags=["hide-input"]
figures.show(over_batch_size(found, protocols, p.widths, "training loss"),
             f"**Fig. 18c, training loss.** Mean cross entropy of the {n_train} training images after training, in eval mode. "
             f"Networks over all panels: {counted}. 95 % intervals over networks.")

# %% mystnb={"image": {"alt": "A row of three panels for each family, one for each protocol: test accuracy over the batch size, one line with intervals for each width."}} tags=["hide-input"]
figures.show(over_batch_size(found, protocols, p.widths, "test accuracy"),
             f"**Fig. 18d.** Share of test images that single networks classify rightly. {caption}")

# %% [markdown]
# ## Per doubling
#
# With $x_B = \log_2 B$ and its mean $\bar x$, the least-squares slope of a measure $y$ over $x$, averaged over the
# $W$ widths, is
#
# $$ \frac{1}{W} \sum_k \frac{\sum_B (x_B - \bar x)\, y_k(B)}{\sum_B (x_B - \bar x)^2} . $$
#
# *Intervals.* A seed is left out of all batch sizes at once: its networks count as one sample. Seeds of different
# widths have random streams of their own and are independent, so their variances add. Images are shared by all; they
# are drawn again for everything at once, or for test loss and accuracy enter through the slope at each of them; of the
# training loss they are no sample. What both
# parts have in common is counted once. In simulated populations with four paired seeds whose similarities are known,
# about 95 % of the intervals of a slope hold the truth; those of a single population, which the figures show, about
# nine in ten where its networks differ much (`tests/test_paired_similarity.py`).
#
# The differences tell what else was changed: *equal steps − equal epochs* is about the effect of doubling the epochs,
# and *scaled rate − equal epochs* that of doubling the learning rate, each at the same batch size.

# %% tags=["hide-input", "nbval-ignore-output"]
slopes = {family: effects(measures, protocols) for family, measures in found.items()}
effects_table(slopes).style.hide(axis="index")

# %% [markdown]
# ## Is it only how far training came?
#
# Smaller batches make more steps in an epoch, and may so reach a lower loss. If similarity only followed the loss, all three
# lines in each panel below would be one.

# %% mystnb={"image": {"alt": "One panel for each family and width: similarity over the training loss reached on a logarithmic axis, a line for each of three protocols, with markers that grow with the batch size."}} tags=["hide-input"]
figures.show(similarity_over_loss(found, protocols, p.widths),
             f"**Similarity over the loss reached.** Larger markers: larger batches, from {p.batch_sizes[0]} to "
             f"{p.batch_sizes[-1]}. Training loss: mean cross entropy of the {n_train} training images after training, "
             "in eval mode, over the seeds of a population. Points of different protocols with one recipe coincide. "
             f"n = {n_images} test images; networks: {counted}.")

# %% [markdown]
# In numbers: over the recipes with the usual learning rate, that is over equal epochs and equal steps together,
# similarity is regressed on $\log_2 B$ and on the logarithm of the training loss, with an intercept for each width. The
# slope over $\log_2 B$ then compares networks of equal loss: where its interval holds zero, similarity may follow the
# training loss alone; where it does not, it follows more than that, if it follows the logarithm in a straight line.

# %% tags=["nbval-ignore-output"]
at_equal_loss = {family: slope_at_equal_loss(measures) for family, measures in found.items()}
for family, change in at_equal_loss.items():
    print(f"{family}: change of similarity per doubling of the batch size at equal training loss "
          + in_brackets(change, CHANGE))

# %% [markdown]
# ## Verdicts
#
# What the networks of all widths and recipes must have learnt before a claim about them is judged:

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(accuracies, p.dataset, len(images.classes))
results.gates(learnt)

# %% [markdown]
# The statements are those of the summary named at the top. Contradicted says that they do not hold for these networks
# under this protocol, not that the paper is wrong: its protocol is not known. The claims, with rules that do not depend
# on this run:

# %% tags=["hide-input"]
results.rules(ROWS, family="a family", protocol="each protocol")

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = [claim for family, measures in found.items() for claim in batch_size_claims(family, measures, protocols, learnt[family])]
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - Which epochs, steps and learning rates the paper took for its batch sizes is not known. Three protocols are shown
#   side by side; the third is an addition.
# - What its panels average over is not known: here the similarity within populations of one width, and loss and
#   accuracy of single networks.
# - Two small widths with few seeds each, and a few hundred steps at most, by default; the released scripts would make
#   39,100 steps at batch size 128. Nothing here tells what longer training would make of it.
# - Slopes, their intervals, the differences of protocols and the comparison at equal loss are additions.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
numbers = {"images": n_images, "seeds": seeds_kept,
           "recipes": {name: [[recipe.batch_size, recipe.epochs, recipe.learning_rate, recipe.steps(n_train)]
                              for recipe in recipes] for name, recipes in protocols.items()},
           "measures": {family: {name: dict(zip(("estimate", "low", "high"), by_population(measures, name)))
                                 for name in UNITS} for family, measures in found.items()},
           "training_loss": {family: [losses.mean(0) for losses in measures.training_loss]
                             for family, measures in found.items()},
           "recipe_order": [[recipe.batch_size, recipe.epochs, recipe.learning_rate]
                            for recipe in batch_size.distinct_recipes(protocols)],
           "effects": slopes, "at_equal_loss": at_equal_loss}
results.write(p.study, "08_batch_size", vars(p), numbers, verdicts)
