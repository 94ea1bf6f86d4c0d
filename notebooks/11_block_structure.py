# %% [markdown]
# # 11. Wide and deep networks: the block structure
#
# **Question.** A network can be made larger by more layers or by more channels. Do the two learn the same things?
#
# **What the paper says** {cite:p}`nguyen2021wide`. This chapter begins the book's second paper. It compares the layers
# of one residual network with each other: how alike do two layers represent the same images? In a small network, layers
# near each other are alike, and layers far apart are not. In a very deep or a very wide network there is a *block
# structure* instead: many layers behind one another, mostly in the last two stages, that are all alike (its Fig. 1). It
# comes with size *relative to the data*: with fewer training images smaller networks have it too (Figs 2 and D.2). It
# needs no residual connections (Fig. C.1), and every seed has one, but not at the same layers (Fig. D.1).
#
# **What it shows here.**
#
# ```{glue:md} answer
# :format: myst
# ```
#
# This chapter measures the block. The next ones ask what it is made of, what it is good for, whether different networks
# share it, and whether wide and deep networks err on the same images.

# %% tags=["hide-input", "parameters"]
study = "mine"
dataset = "digits"
n_train = 160  # few images: the networks are to be large beside them
n_test = None  # all images
wide_depth = 14  # of the networks of growing width; those of growing depth have width 1
widths = [1, 2, 4]
depths = [14, 26, 56]
plain_widths = [1, 2]  # without residual connections
seeds = 6
reference_images = 640  # training images of the networks that have no block structure
epochs = 20
learning_rate = 0.01
precision = "float32"
train_counts = [40, 160]  # training images
data_seeds = 6  # networks for each of them
cka_batches = [32, 64, 128, 256]
full_images = 1000  # at most, for CKA of all images at once
thresholds = [0.8, 0.9, 0.95]
cka_batch = 256
cka_passes = 4
block_threshold = 0.9
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "wide_depth", "widths", "depths",
                                "plain_widths", "seeds", "reference_images", "epochs", "learning_rate", "precision",
                                "train_counts", "data_seeds", "cka_batches", "full_images", "thresholds", "cka_batch",
                                "cka_passes", "block_threshold", "random_seed"])

# %%
import torch
from IPython.display import Markdown, display
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters import block_structure, block_structure_shown
from lib.chapters.block_structure_shown import map_rows, over_batch_size, over_data, over_size, where_blocks_lie
from lib.cka import block_growth
from lib.cka.block_growth import growth, halving, mean_share
from lib.cka.blocks import BlockStructure, largest_block, shares
from lib.cka.grams import batch_sizes
from lib.cka.kept_maps import kept
from lib.cka.maps import all_maps, part_maps
from lib.effects.scale import with_fewer
from lib.training.wide_and_deep import RECIPE, Architecture, architecture_populations, grid
from lib.verdicts import judged

# %% tags=["hide-input"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
n_train, n_images = len(images.train_labels), len(images.test_labels)
full_images = min(p.full_images, n_images)
parameters.check_at_most("cka_batch", p.cka_batch, n_images)
parameters.check_at_most("cka_batches", p.cka_batches, full_images, "test images that full_images allows")
with parameters.about("train_counts"):
    parts = {count: with_fewer(images, count) for count in p.train_counts}
parameters.check_train_counts(p.train_counts, p.train_counts[-1], len(images.classes), RECIPE["batch_size"])
print(f"{images.name}: {n_train} training and {n_images} test images")

# %% [markdown]
# ## The networks
#
# They are the paper's: a 3 x 3 convolution, three stages of equally many residual blocks of two 3 x 3 convolutions, a
# mean over the map, one linear layer. *Depth* counts convolutions and the linear layer, $6n + 2$ for $n$ blocks a
# stage. *Width* multiplies the channels of the stages, 16, 32 and 64. Depth grows at width 1, width at one depth, the
# parameter `wide_depth`.
#
# Training, too, is the paper's as far as a few hundred steps allow: stochastic gradient descent with momentum 0.9, a
# weight decay of $2 \cdot 10^{-4}$ on the kernels, and a learning rate that falls along a cosine, once an epoch. The
# paper begins at 0.01, in batches of 128; batches here hold 32 images, which makes more steps of few images.
# Augmentation is left out. The weights after the last epoch are the network.

# %% tags=["nbval-ignore-output"]
recipe = {"epochs": p.epochs, "learning_rate": p.learning_rate, "precision": p.precision}
residual_grid = grid(p.depths, p.wide_depth, p.widths)
plain_line = grid([], p.wide_depth, p.plain_widths, residual=False)
trained = architecture_populations(images, [*residual_grid, *plain_line], p.seeds, **recipe)
populations, plain_populations = ({one: trained[one] for one in line} for line in (residual_grid, plain_line))
depth_line = [Architecture(depth) for depth in p.depths]
width_line = [Architecture(p.wide_depth, width) for width in p.widths]
without_block = block_growth.reference_population(images, p.depths[0], p.reference_images, p.seeds, **recipe)

# %% tags=["hide-input", "nbval-ignore-output"]
display(block_structure_shown.networks_table(trained).style.hide(axis="index"))
display(Markdown("Training loss and accuracy are those of the last epoch, while its images were learnt: the range "
                 f"over seeds. Test accuracy: mean over seeds with 95 % interval, {n_images} images."))

# %% [markdown]
# What the networks must have learnt before claims about them are judged: a training loss below 0.05 nats, so that they
# are large enough for their images, and an accuracy of three times chance. The numbers of all lines:

# %% tags=["hide-input", "nbval-ignore-output"]
fit = {name: gates.of_wide_and_deep([trained[one] for one in line])
       for name, line in (("depths", depth_line), ("widths", width_line), ("plain", plain_line))}
results.gates({"growing depth": fit["depths"], "growing width": fit["widths"],
               "growing width, without residual connections": fit["plain"]})

# %% [markdown]
# ## The measure
#
# *Centred kernel alignment* compares two layers by what they say about pairs of images
# {cite:p}`kornblith2019similarity`. With the activations $X$ of one layer, a row an image, and the Gram matrix $K = X
# X^\top$, and likewise $L$ for the other layer,
#
# $$ \mathrm{CKA}(K, L) = \frac{\mathrm{HSIC}(K, L)}{\sqrt{\mathrm{HSIC}(K, K)\, \mathrm{HSIC}(L, L)}} $$
#
# is 1 when all pairs of images stand to each other alike in both, up to one factor, and around 0 when nothing connects
# the two. HSIC is estimated without bias {cite:p}`song2012feature` in batches, and its three sums are taken over all
# batches before they are divided: the last section checks that the size of the batches does not matter.
#
# A map has one row a layer: the first convolution (after BatchNorm and ReLU) and the output of every residual block,
# $3n + 1$ layers; the logits are left out. Layers behind one another of which **every two** have a CKA above a threshold
# are a *run*. Neighbours are alike in any network, and so is often the whole of a stage, whose blocks each change little.
# A run is therefore called a *block structure* only if
#
# - it crosses a boundary of stages, and
# - it is longer than any such run in networks that have none: the *reference*, of the least depth and width and trained
#   with more images. Its maps are read off at the relative depths of the network in question (between its layers by
#   interpolation on either side of the diagonal), so that a deep network does not win by having more layers.
#
# A network like those of the reference exceeds the longest of six of them with a probability of one in seven at most,
# and six such networks all do so with one in 924 (`tests/test_blocks.py`). The *measure* $B$ is the share of the layers
# in the block structure, 0 without one; of several it is the longest, and then the deepest. The paper shows maps and
# gives no measure; this one is an addition, and the verdicts are repeated at several thresholds. Where no network has a
# block structure nothing is said about its size: such claims are *not tested*.

# %% tags=["nbval-ignore-output"]
sampling = {"batch_size": p.cka_batch, "passes": p.cka_passes}
maps = all_maps(populations, images.test_images, p.random_seed, **sampling)
find = block_growth.block_structure(without_block, images.test_images, p.block_threshold, p.random_seed, **sampling)
finds = {threshold: BlockStructure(threshold, find.reference)
         for threshold in sorted({*p.thresholds, p.block_threshold})}
counted = f"maps from {n_images} test images in batches of {p.cka_batch}, {p.cka_passes} passes"
framed = ("dotted: where stages begin; frame: the block structure at a threshold of "
          f"{p.block_threshold:g}, if there is one")
print(f"the longest run across stages of {len(without_block)} reference networks, at the depth of:")
print("\n".join(f"{one}: {find.most_without(maps[one].shape[-1])} of {maps[one].shape[-1]} layers" for one in maps))

# %% [markdown]
# ## Deeper and wider: Fig. 1

# %% mystnb={"image": {"alt": "Two rows of square maps of CKA between the layers of one network, above for growing depth, below for growing width; dotted lines mark stages, a frame the block structure where there is one."}} tags=["hide-input"]
drawn = {}
drawn["Fig. 1"] = [[(str(one), maps[one][0]) for one in line] for line in (depth_line, width_line)]
figures.show(map_rows(drawn["Fig. 1"], find),
             "**The paper's Fig. 1.** CKA between every two layers of one network (its first seed); above, depth "
             f"grows, below, width; {framed}. Ticks: the first block of each stage. 1 network a map, of {p.seeds}; "
             f"{counted}.")

# %% [markdown]
# All seeds now. *Intervals* are over networks, Student's for one architecture. $B$ counts whole layers, and few
# networks may all have the same: their spread, zero, would make an interval of no width, and that is not certainty. The
# standard deviation over the networks is therefore taken as half a layer at least, the most that a number with two
# neighbouring values can have; intervals stay between 0 and 1 (Student's margin on the scale of the logit). Three layers
# are a larger share of a shallow network than of a deep one; the table counts layers, too.

# %% mystnb={"image": {"alt": "Two panels with the block's share of the depth, left over the depth, right over the width, one line with intervals for each threshold."}} tags=["hide-input", "nbval-ignore-output"]
lines = {"growing depth, width 1": ("depth", depth_line), f"growing width, depth {p.wide_depth}": ("width", width_line)}
figures.show(over_size(maps, lines, finds),
             f"**The block measure over depth and width.** Mean over seeds with 95 % interval; "
             f"{sum(map(len, maps.values()))} networks in all; {counted}.")

# %% tags=["hide-input", "nbval-ignore-output"]
block_structure_shown.blocks_table(maps, find).style.hide(axis="index")

# %% mystnb={"image": {"alt": "One column for each network architecture with a vertical bar for each seed, from where its block begins to where it ends in parts of the depth; short lines mark where stages begin, crosses the networks without a block."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(where_blocks_lie(maps, find),
             "**Where blocks lie.** A bar a network, from the beginning to the end of its block; horizontal lines: "
             "where the three stages begin; crosses: networks without a block structure at the threshold of "
             f"{p.block_threshold:g}. {sum(map(len, maps.values()))} networks; {counted}.")

# %% [markdown]
# ## Less data: Figs 2 and D.2
#
# The smallest and the largest network of both lines, trained with fewer or more images and as many epochs, hence with
# fewer or more steps, as in the paper. The smaller sets are part of the larger ones. Networks of one seed start from
# the same weights whatever the number of images.

# %% tags=["nbval-ignore-output"]
reduced = block_growth.reduced_populations(parts, block_growth.ends(depth_line, width_line), p.data_seeds, **recipe)
by_count = block_growth.stacked_counts(all_maps(reduced, images.test_images, p.random_seed, **sampling))
fit["less data"] = gates.of_wide_and_deep(reduced.values())
results.gates({f"{' to '.join(map(str, (p.train_counts[0], p.train_counts[-1])))} images": fit["less data"]})

# %% mystnb={"image": {"alt": "A grid of CKA maps, one row for each number of training images, one column for each architecture; a frame marks the block where there is one."}} tags=["hide-input", "nbval-ignore-output"]
drawn["Figs 2 and D.2"] = [
    [(f"{architecture}, {count} images", of_count[0, place]) for architecture, of_count in by_count.items()]
    for place, count in enumerate(p.train_counts)]
figures.show(map_rows(drawn["Figs 2 and D.2"], find),
             f"**The paper's Figs 2 and D.2.** CKA maps of one network each (its first seed, of {p.data_seeds}), "
             f"trained with more images in every row; {framed}; {counted}.")

# %% mystnb={"image": {"alt": "The block's share of the depth over the number of training images on a logarithmic axis, one line with intervals for each architecture."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(over_data(by_count, p.train_counts, find),
             f"**The block measure over the training images.** Threshold {p.block_threshold:g}; mean over seeds with "
             f"95 % interval; {len(p.train_counts) * sum(map(len, by_count.values()))} networks in all; {counted}.")

# %% tags=["hide-input", "nbval-ignore-output"]
block_structure_shown.less_data_table(by_count, p.train_counts, find).style.hide(axis="index")

# %% [markdown]
# ## Without residual connections: Fig. C.1
#
# Networks of growing width with the shortcuts taken out: a block's output is then the ReLU of its branch
# alone. Their initial weights and orders of images are draws of their own.

# %% tags=["nbval-ignore-output"]
maps |= all_maps(plain_populations, images.test_images, p.random_seed, **sampling)
n_plain = sum(map(len, plain_populations.values()))

# %% mystnb={"image": {"alt": "Two rows of CKA maps for growing width, above with residual connections, below without; a frame marks the block where there is one."}} tags=["hide-input", "nbval-ignore-output"]
drawn["Fig. C.1"] = [[(str(one), maps[one][0]) for one in line]
                    for line in (block_growth.ends(width_line), plain_line)]
figures.show(map_rows(drawn["Fig. C.1"], find),
             f"**The paper's Fig. C.1.** CKA maps of one network each (its first seed, of {p.seeds}); above with "
             f"residual connections, below without; {framed}; {counted}.")

# %% mystnb={"image": {"alt": "Two panels with the block's share of the depth over the width, left with residual connections, right without, one line with intervals for each threshold."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(over_size(maps, {"with residual connections": ("width", width_line),
                              "without": ("width", plain_line)}, finds),
             f"**The block measure over width.** Mean over seeds with 95 % interval; "
             f"{sum(len(maps[one]) for one in width_line)} networks with residual connections and {n_plain} without, "
             f"depth {p.wide_depth}; {counted}.")

# %% tags=["hide-input", "nbval-ignore-output"]
block_structure_shown.blocks_table({one: maps[one] for one in plain_line}, find).style.hide(axis="index")

# %% [markdown]
# ## Every seed its own: Fig. D.1
#
# Does every network of the deepest and of the widest architecture have a block structure, and does it begin and end at
# the same layers? Two blocks that differ may differ because they were *measured* with error. Every network is
# therefore measured four times, on four parts of the test images: by how many layers are the ends of two networks'
# blocks apart, and by how many those of one network, always on different parts? If all networks have the same block,
# the difference is zero on average, and they can change places with each other on any part of the images. The interval
# is the difference less its 95 % range over such changes.

# %% mystnb={"image": {"alt": "Two rows of CKA maps, one map for each seed, above of the deepest architecture, below of the widest; a frame marks the block where there is one."}} tags=["hide-input", "nbval-ignore-output"]
deepest, widest = depth_line[-1], width_line[-1]
drawn["Fig. D.1"] = [[(f"{one}, no. {place + 1}", cka) for place, cka in enumerate(maps[one][:5])]
                    for one in (deepest, widest)]
figures.show(map_rows(drawn["Fig. D.1"], find),
             f"**The paper's Fig. D.1.** CKA maps of up to five seeds, of {p.seeds}, of {deepest}, above, and of "
             f"{widest}, below; {framed}; {counted}.")

# %% tags=["nbval-ignore-output"]
parts_of = {one: part_maps(populations[one], images.test_images, p.random_seed, **sampling)
            for one in (deepest, widest)}
found = block_growth.BlockMaps(depth_line, width_line, plain_line, maps, p.train_counts, by_count, parts_of)

# %% [markdown]
# ## Does the batch size matter? Appendix A
#
# CKA in batches replaces CKA of all images at once, which would need matrices of images by images for every layer. With
# the unbiased estimator of HSIC the mean over batches is right on average for any size of the batches; with the usual,
# biased one it is not. Both are shown, for the first seed of the widest network.

# %% tags=["nbval-ignore-output"]
chosen = torch.randperm(n_images, generator=torch.Generator().manual_seed(p.random_seed))[:full_images]
network = next(iter(populations[widest].models()))
unbiased, biased = (batch_sizes(network, images.test_images[chosen], p.cka_batches, p.cka_passes, p.random_seed,
                                unbiased=estimator) for estimator in (True, False))

# %% mystnb={"image": {"alt": "Mean CKA over pairs of layers against the batch size on a logarithmic axis, one line with intervals for the unbiased and one for the biased estimator, each with a dashed line at the value of all images at once."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(over_batch_size([unbiased, biased]),
             f"**CKA over the batch size.** Mean over pairs of different layers of one network, {widest}; dashed: all "
             f"{unbiased.images} images at once. 95 % intervals over {p.cka_passes} passes, each with a new order of "
             "the same images. 1 network.")

# %% tags=["hide-input", "nbval-ignore-output"]
block_structure_shown.batch_sizes_table([unbiased, biased]).style.hide(axis="index")

# %% [markdown]
# ## Verdicts
#
# The rules, which do not depend on this run:

# %% tags=["hide-input"]
results.rules(block_structure.CLAIMS, name="deepest or widest", architecture="an architecture")

# %% [markdown]
# Slopes are least-squares ones. Networks of different architectures are independent, and their variances add (Welch and
# Satterthwaite); slopes over training images are taken within each seed. The last two stages hold about two thirds of
# the layers, and about as much of a block placed by chance. A claim about the size of block structures is judged where
# six networks of its line have one.

# %% tags=["hide-input", "nbval-ignore-output"]
by_threshold = {threshold: block_structure.block_claims(
    block_structure.Blocks(found, of_threshold, n_images, p.random_seed), fit)
    for threshold, of_threshold in finds.items()}
verdicts = [*by_threshold[p.block_threshold], *judged([block_structure.BATCH_SIZE], unbiased)]
results.table(verdicts)

# %% [markdown]
# A network has a block structure or has none by a threshold that nobody can say is the right one. The verdicts and
# estimates at the other thresholds:

# %% tags=["hide-input", "nbval-ignore-output"]
block_structure_shown.robustness_table(by_threshold).style.hide(axis="index")

# %% [markdown]
# ## What differs from the paper
#
# - The paper shows maps and describes them in words. The reference, the measure $B$, the slopes, the distance of ends,
#   their intervals and the verdicts are additions.
# - The paper's maps have a row for every layer, convolutions, BatchNorm, ReLU and additions apart. Here they have the
#   stem and the outputs of the residual blocks.
# - Its networks are up to 164 layers deep or ten times as wide, and are trained for 300 epochs on CIFAR-10 with shifts
#   and flips of the images. The networks here are smaller and trained for as many epochs as the parameters above say,
#   without augmentation; the table of networks shows how near to zero their training loss came.
# - The depths, widths and seeds behind its single panels are not known to this project.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
numbers = {"images": n_images, "layers": {str(one): found.maps[one].shape[-1] for one in found.maps},
           "shares": {str(one): {f"{threshold:g}": shares(of_one, of_threshold)
                                 for threshold, of_threshold in finds.items()} for one, of_one in maps.items()},
           "runs": {str(one): [[run.start, run.stop]
                               for run in (largest_block(cka, p.block_threshold) for cka in of_one)]
                    for one, of_one in maps.items()},
           "longest_without": {str(one): find.most_without(of_one.shape[-1]) for one, of_one in maps.items()},
           "mean_share": {str(one): mean_share(of_one, find) for one, of_one in maps.items()},
           "blocks": {str(one): [[block.start, block.stop] for block in block_structure_shown.blocks_of(of_one, find)]
                      for one, of_one in maps.items()},
           "growth": {name: {f"{threshold:g}": growth(maps, line, quantity, of_threshold)
                             for threshold, of_threshold in finds.items()}
                      for name, quantity, line in (("depth", "depth", depth_line), ("width", "width", width_line),
                                                   ("width_plain", "width", plain_line))},
           "by_count": {str(one): shares(of_one, find) for one, of_one in by_count.items()},
           "halving": {str(one): halving(by_count, p.train_counts, [one], find) for one in by_count},
           "training_loss": {str(one): [network.train_loss[-1] for network in population.networks]
                             for one, population in trained.items()},
           "test_accuracy": {str(one): [network.test_accuracy[-1] for network in population.networks]
                             for one, population in trained.items()},
           "maps": {figure: {title: kept(cka, find(cka)) for row in rows for title, cka in row}
                    for figure, rows in drawn.items()},
           "batch_sizes": {one.estimator: {"full": one.full_mean(), "deviation": one.interval(),
                                           "largest": one.largest()} for one in (unbiased, biased)}}
results.write(p.study, "11_block_structure", vars(p), numbers, verdicts)
