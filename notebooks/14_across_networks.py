# %% [markdown]
# # 14. Across networks
#
# **Question.** Do two networks represent images alike: two of one architecture that differ only in their seed, and two
# of different depth or width? Which layer of the one corresponds to which of the other?
#
# **What the paper says** {cite:p}`nguyen2021wide`. Without a block structure, the CKA map across two seeds looks like
# the map within one of them; the representations of a block differ from seed to seed, while layers outside of it stay
# similar (Fig. 6). Across architectures, layers at the same *relative* depth match, again but for the blocks (Fig.
# E.1). Only slides with these figures and the released program are at hand, so that no number of the paper can be
# compared.
#
# **What it shows here.**
#
# ```{glue:md} answer
# :format: myst
# ```

# %% tags=["hide-input", "parameters"]
study = "mine"
dataset = "digits"
n_train = 160  # few images: the networks are to be large beside them
n_test = None  # all images
wide_depth = 14
widths = [1, 2, 4]
depths = [14, 26, 56]
seeds = 6
reference_images = 640  # training images of the networks that have no block structure
epochs = 20
learning_rate = 0.01
precision = "float32"
cka_batch = 256
cka_passes = 4
block_threshold = 0.9
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "wide_depth", "widths", "depths", "seeds",
                                "reference_images", "epochs", "learning_rate", "precision", "cka_batch", "cka_passes",
                                "block_threshold", "random_seed"])

# %%
import torch
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters import across_networks
from lib.chapters.across_networks_figures import (
    SHOWN,
    architecture_maps,
    likeness_over_depth,
    matches_over_depth,
    seed_maps,
)
from lib.cka.across import across_architectures, across_seeds
from lib.cka.block_growth import block_structure, reference_population
from lib.cka.kept_maps import kept, kept_pairs
from lib.cka.maps import maps_between
from lib.training.wide_and_deep import architecture_populations

# %% [markdown]
# ## The networks
#
# Of the grid of depths and widths of {doc}`11_block_structure`, only its ends are needed: *small*, the shallowest at
# width 1; *wide*, the widest; *deep*, the deepest at width 1; and for the comparison of architectures *second*, the
# next in depth after small, if there are three depths.

# %%
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
n_images = len(images.test_labels)
parameters.check_at_most("cka_batch", p.cka_batch, n_images)
names = across_networks.roles(p.depths, p.wide_depth, p.widths)
print("\n".join(f"{role}: {architecture}" for role, architecture in names.items()))

# %% tags=["nbval-ignore-output"]
found = architecture_populations(images, names.values(), p.seeds, epochs=p.epochs, learning_rate=p.learning_rate,
                                 precision=p.precision)
populations = {role: found[architecture] for role, architecture in names.items()}
maps = maps_between(populations, images.test_images, torch.Generator().manual_seed(p.random_seed),
                    batch_size=p.cka_batch, passes=p.cka_passes)
without_block = reference_population(images, min(p.depths), p.reference_images, p.seeds, epochs=p.epochs,
                                     learning_rate=p.learning_rate, precision=p.precision)
find = block_structure(without_block, images.test_images, p.block_threshold, p.random_seed, batch_size=p.cka_batch,
                       passes=p.cka_passes)
same = {role: across_seeds(maps, role, find) for role in names}
ends = {role: same[role] for role in ("small", "wide", "deep")}
pairs = {pair: across_architectures(maps, *pair, find) for pair in across_networks.compared(names)}
counted = ", ".join(f"{len(population)} {role}" for role, population in populations.items())
fit = {role: gates.of_wide_and_deep([population]) for role, population in populations.items()}
results.gates(fit)

# %% [markdown]
# All maps, within and across networks, come from the same passes over the same batches of test images, with the
# unbiased estimator. Layers are the stem and the outputs of all residual blocks, without the logits. Layer $l$ of
# $L+1$, counted from 0, has the *relative depth* $l/L$; stages end at the same relative depths in all networks.
#
# The *block structure* of a network is that of {doc}`11_block_structure`: its longest run of layers of which every two
# have a CKA above `block_threshold`, if it crosses a boundary of stages and is longer than any such run at equal
# relative depth in networks that have none, shallow and narrow ones trained with more images (`reference_images`).
# A network may have none. Nothing can be said about the inside of a block then; the numbers below are averages over
# those networks that have one, and are "not to be told" for fewer than three.

# %% tags=["hide-input", "nbval-ignore-output"]
across_networks.blocks_table(same, names).style.hide(axis="index")

# %% [markdown]
# ## Across seeds: Fig. 6
#
# On the diagonal the map of a network with itself, beside it the maps of two networks. In the latter the same layer is
# not the same representation: their diagonals are below 1.

# %% mystnb={"image": {"alt": "A square grid of heatmaps of CKA between the layers of every two networks of the small architecture; the block of a network is framed on the diagonal."}} tags=["hide-input"]
caption = (f"Rows and columns: up to {SHOWN} networks, of {p.seeds}, that differ in their seed. Frames: the block of "
           f"a network, if it has one. Minibatch CKA, n = {n_images} test images, {p.cka_passes} passes in batches of "
           f"{p.cka_batch}.")
figures.show(seed_maps(same["small"]), f"**The paper's Fig. 6, small: {names['small']}.** {caption}")

# %% mystnb={"image": {"alt": "A square grid of heatmaps of CKA between the layers of every two networks of the wide architecture; the block of a network is framed on the diagonal."}} tags=["hide-input"]
figures.show(seed_maps(same["wide"]), f"**Fig. 6, wide: {names['wide']}.** {caption}")

# %% mystnb={"image": {"alt": "A square grid of heatmaps of CKA between the layers of every two networks of the deep architecture; the block of a network is framed on the diagonal."}} tags=["hide-input"]
figures.show(seed_maps(same["deep"]), f"**Fig. 6, deep: {names['deep']}.** {caption}")

# %% [markdown]
# Three questions to these maps:
#
# - *Does the map across look like the maps within?* The correlation of the map across two networks with the mean of
#   the two maps within, over all pairs of different layers (on the diagonal a map within is 1 by definition). It asks
#   for the pattern, not for the level. What is claimed is about layers in neither network's block, all of them where
#   neither has one; within a block all values are nearly the same, and there is no pattern to compare. Fewer than
#   three such layers make no map, and three or four a coarse one: a low correlation of so few says little.
# - *How alike is the same layer of two networks?* A layer counts as inside if it lies in the blocks of *both*, as
#   outside if it lies in *neither*. Layers in the block of one only are shown, and in no claim.
# - *Would the layer be found again?* The share of layers whose best match in the other network, the layer with the
#   largest CKA, is the corresponding one. In a block this is hard for a reason of its own: its layers are nearly the
#   same representation, so that any of them will do.
#
# *Intervals* are over networks. Every network takes part in many pairs; networks, not pairs, are left out one at a
# time (a jackknife). Images are taken as given. Intervals stay within what a correlation or a share can be (Student's
# margin on the scale of the logit).

# %% tags=["hide-input", "nbval-ignore-output"]
seed_numbers = {role: across_networks.seed_numbers(result) for role, result in ends.items()}
across_networks.numbers_table({f"{role}, {names[role]}": numbers for role, numbers in seed_numbers.items()})

# %% [markdown]
# By chance a layer would be found again with the probability of one over the number of layers.
#
# ## At equal depth
#
# Blocks lie where they lie, and layers near the input may be alike across seeds for another reason: they have had less
# occasion to differ. Inside against outside therefore mixes up the block and the depth. A second comparison holds the
# depth fixed: the layers in question against those of small networks at the same relative depth, outside of small
# networks' own blocks, interpolated between their layers. It has a mixture of its own, as the networks differ in more
# than the block; the rows of layers outside of blocks show how much that makes. At depths where no two small networks
# are both outside of their blocks there is nothing to compare with, and layers are left out.

# %% mystnb={"image": {"alt": "Three panels, one an architecture: CKA of the same layer of every two networks over relative depth, points marked by whether the layer lies in the block of both, one or neither network, with lines for the mean of all pairs and of the small networks."}} tags=["hide-input"]
figures.show(likeness_over_depth(ends, names),
             "**CKA of the same layer of two networks.** A point for each layer and pair of networks; those of one "
             "network are not independent. The lines are means over all pairs, inside of blocks and outside. Networks: "
             f"{counted}. n = {n_images} test images.")

# %% tags=["hide-input", "nbval-ignore-output"]
depth_numbers = across_networks.depth_numbers(ends)
across_networks.numbers_table({f"{role} − small": numbers for role, numbers in depth_numbers.items()})

# %% [markdown]
# ## Across architectures: Fig. E.1
#
# For every layer of one network the best match in a network of the other architecture, and the other way round.
# Networks of different depth have few layers of equal relative depth. The distance of the best match at relative depth
# $x^*$ from a layer at $x$ is therefore measured beyond that of the nearest layer there is,
#
# $$ |x - x^*| - \min_l |x - x_l| . $$
#
# It is 0 where the match could not lie nearer. If every layer were the match equally often, or if the layers of the
# other network were put in random order, it would on average take the value "by chance". It may lie beyond that: layers
# that have something in common with all others, as those near the input may, can be the best match of many. The rank
# correlation (Spearman's) of layers and their matches asks for their order alone.

# %% mystnb={"image": {"alt": "A row for every two architectures: the CKA map within a network of the first, the map across with the best match of every layer and a dashed line of equal relative depth, and the map within a network of the second."}} tags=["hide-input"]
figures.show(architecture_maps(pairs, same, names),
             f"**The paper's Fig. E.1.** Network 0 of {p.seeds} of each architecture; frames: its block, if it has one. "
             f"Points: best match of each layer of the first. Dashed: equal relative depth. n = {n_images} test images.")

# %% mystnb={"image": {"alt": "A row for every two architectures and a panel for each direction: relative depth of the best match over the relative depth of the layer, points marked by whether the layer lies in the block of its network, and the line of equal relative depth."}} tags=["hide-input"]
figures.show(matches_over_depth(pairs, names),
             "**Where the best match lies**, for all layers and pairs of networks; darker where points coincide. "
             f"Networks: {counted}. n = {n_images} test images.")

# %% [markdown]
# Inside and outside refer to the block of the network whose layer is looked up; its match may lie anywhere. Averages
# are over both directions, and over pairs of networks that have such layers; intervals leave out the networks of
# either architecture one at a time, and their variances add. That layers inside blocks lie elsewhere in depth than
# those outside is not accounted for here.

# %% tags=["hide-input", "nbval-ignore-output"]
pair_numbers = {pair: across_networks.architecture_numbers(result) for pair, result in pairs.items()}
across_networks.numbers_table({" and ".join(pair): numbers for pair, numbers in pair_numbers.items()})

# %% [markdown]
# ## Verdicts
#
# Claims are not tested where fewer than six networks of an architecture take part. A correlation of 0.9 says that one
# map explains more than four fifths of the variance of the other.

# %% tags=["hide-input"]
claims = [*across_networks.SAME, across_networks.EQUAL_DEPTH, *across_networks.OTHER]
results.rules(claims, architecture="an architecture", small=names["small"], both="two architectures")

# %% [markdown]
# What this rests on is CKA: two representations are alike here if the similarities between images are. It says nothing
# of what single units do, nor of which images are classified rightly; a CKA that one direction dominates hides all
# others.

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = [*across_networks.seed_claims(ends, names, n_images, fit),
            *across_networks.architecture_claims(pairs, names, n_images, fit)]
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - Which depths, widths and seeds its panels show is known in part: small is a ResNet-38 there, and the shallowest
#   network here. Its layers are all operations of a network; here they are the outputs of the residual blocks.
# - It judges by eye. The measure of a block, the correlation of maps, the distance of best matches and its chance
#   value, the comparison at equal depth and all intervals are additions.
# - It draws up to twenty pairs of networks of two architectures; here all pairs are taken.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
numbers = {"images": n_images, "networks": {role: len(population) for role, population in populations.items()},
           "architectures": {role: str(architecture) for role, architecture in names.items()},
           "blocks": {role: [[block.start, block.stop, block.layers] for block in result.blocks]
                      for role, result in same.items()},
           "maps": {role: kept_pairs(result.maps, result.blocks, SHOWN) for role, result in same.items()},
           "maps_across": {"-".join(pair): kept(result.maps[0, 0].T) for pair, result in pairs.items()},
           "across_seeds": across_networks.written(seed_numbers),
           "minus_small_at_equal_depth": across_networks.written(depth_numbers),
           "across_architectures": across_networks.written({"-".join(pair): numbers
                                                            for pair, numbers in pair_numbers.items()})}
results.write(p.study, "14_across_networks", vars(p), numbers, verdicts)
