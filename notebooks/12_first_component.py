# %% [markdown]
# # 12. The first principal component
#
# **Question.** What makes the layers of a block alike? Is it one direction that outweighs all others, and which images
# does it tell apart?
#
# **What the paper says** {cite:p}`nguyen2021wide`. Layers inside the block structure have a first principal component
# with a dominant share of the variance. The block passes this component on almost unchanged, and it mostly vanishes
# when the component is removed (Fig. 3). The share is higher in networks whose seed gave a block (Fig. D.5). The
# follow-up {cite:p}`nguyen2022origins` traces the component to few *dominant* images with very large activations,
# which are others for another seed. Only the figures as a talk shows them, the released programs and the abstract of
# the follow-up are at hand.
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
dropped_share = 0.02
random_drops = 10
cka_batch = 256
cka_passes = 4
block_threshold = 0.9
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "wide_depth", "widths", "depths", "seeds",
                                "reference_images", "epochs", "learning_rate", "precision", "dropped_share",
                                "random_drops", "cka_batch", "cka_passes", "block_threshold", "random_seed"])

# %%
import numpy as np
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters import first_component, first_component_figures
from lib.chapters.first_component import CLAIMS, component_claims, share_and_block
from lib.cka import linear_cka
from lib.cka.block_components import late_shares, population_components, settings_for, with_block
from lib.cka.block_growth import block_structure, reference_population
from lib.cka.components import TOP, carried, component_cka, components, normal_carried, one_percent
from lib.cka.grams import hidden_points
from lib.cka.kept_maps import kept
from lib.models.representations import representation
from lib.statistics.intervals import in_brackets
from lib.training.wide_and_deep import Architecture, architecture_populations, grid

# %% [markdown]
# ## Networks
#
# Residual networks of growing depth at width 1, and of growing width at one depth. Layers are the stem and the outputs
# of all residual blocks.
#
# The *block structure* of a network is that of {doc}`11_block_structure`: its longest run of layers of which every two
# have a CKA above `block_threshold`, if it crosses a boundary of stages and is longer than any such run at equal
# relative depth in networks that have none, shallow and narrow ones trained with more images (`reference_images`).
# Every chapter draws batches of its own: a network whose CKA lies at the threshold may have a block in one and none in
# another.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
n_images = len(images.test_labels)
with parameters.about("cka_batch"):
    settings = settings_for(n_images, p.cka_batch, p.cka_passes, p.dropped_share, p.random_drops, p.random_seed)
populations = architecture_populations(images, grid(p.depths, p.wide_depth, p.widths), p.seeds, epochs=p.epochs,
                                       learning_rate=p.learning_rate, precision=p.precision)
without_block = reference_population(images, min(p.depths), p.reference_images, p.seeds, epochs=p.epochs,
                                     learning_rate=p.learning_rate, precision=p.precision)
find = block_structure(without_block, images.test_images, p.block_threshold, p.random_seed, batch_size=p.cka_batch,
                       passes=p.cka_passes)
deep, wide = [Architecture(depth) for depth in p.depths], [Architecture(p.wide_depth, width) for width in p.widths]
fit = gates.of_wide_and_deep(populations.values())
results.gates({"all networks": fit})

# %% [markdown]
# ## CKA is a weighted sum over pairs of components
#
# Activations $X$ of a layer, one row an image and every feature centred, have the singular values $s_i$ and the left
# singular vectors $u_i$: component $i$ has the variance $\lambda_i = s_i^2$, and $u_i$ holds one coefficient for each
# image. In these terms the biased linear CKA of two layers is
#
# $$ \mathrm{CKA}(X, Y) = \frac{\sum_{ij} \lambda_i \lambda'_j\, \langle u_i, u'_j \rangle^2}
#    {\sqrt{\sum_i \lambda_i^2}\, \sqrt{\sum_j \lambda_j'^2}} . $$
#
# If one component outweighs all others in both layers, it is nearly $\langle u_1, u'_1 \rangle^2$: then CKA tells
# whether these two are alike, and nothing of the rest. A check on two layers of a trained network, in double precision:

# %%
model = next(iter(populations[wide[-1]].models()))
points = hidden_points(model)
outer = representation(model, images.test_images[data.mixed_order(images.test_labels)[:p.cka_batch]], (points[0], points[-1]))
stem, last = (layer.astype(np.float64) for layer in outer.values())
error = abs(component_cka(components(stem), components(last)) - linear_cka(stem, last, unbiased=False))
print(f"layers {points[0]} and {points[-1]}, {p.cka_batch} images: both forms agree to 1e-10: {error < 1e-10}")

# %% [markdown]
# ## How the networks are looked at
#
# - *Share* of the first component: $\lambda_1 / \sum_i \lambda_i$ on all test images, exact: the largest eigenvalue of
#   the Gram matrix $X X^\top$ over its trace.
# - *Squared cosine* $\langle u_1, u'_1 \rangle^2$ of the first components of two layers on all test images.
# - *CKA*: the unbiased minibatch form, the same batches for every network.
# - *CKA without the first components*: in every batch the activations are centred anew, and each layer loses its own
#   first component of that batch, $X - s_1 u_1 v_1^\top$. What is left is compared by the unbiased minibatch CKA.

# %% tags=["nbval-ignore-output"]
found = population_components(populations, images.test_images, settings, find)
n_networks = sum(map(len, found.values()))
caption = f"n = {n_images} test images; CKA from {p.cka_passes} passes of batches of {p.cka_batch}."
print("networks with a block:", first_component.block_counts(found))

# %% [markdown]
# ## One deep and one wide network: Fig. 3

# %% mystnb={"image": {"alt": "Four panels for the deepest network: a map over pairs of layers of the squared cosine of their first components, one of their CKA, the share of the first component over the layers, and a map of CKA without the first components. A frame marks the block, if there is one."}} tags=["hide-input"]
figures.show(first_component_figures.four_plots(found[deep[-1]], f"{deep[-1]}, network 0"),
             f"**The paper's Fig. 3, the deepest network.** Frame and shade: the block of network 0, where it has one. "
             f"Pale lines: the other {len(found[deep[-1]]) - 1} networks. {caption}")

# %% mystnb={"image": {"alt": "Four panels for the widest network: a map over pairs of layers of the squared cosine of their first components, one of their CKA, the share of the first component over the layers, and a map of CKA without the first components. A frame marks the block, if there is one."}} tags=["hide-input"]
figures.show(first_component_figures.four_plots(found[wide[-1]], f"{wide[-1]}, network 0"),
             f"**The same for the widest network.** Pale lines: the other {len(found[wide[-1]]) - 1} networks. "
             f"{caption}")

# %% [markdown]
# ## The share of the first component over all layers

# %% mystnb={"image": {"alt": "Two panels, networks of growing depth and of growing width: share of the variance that the first component has, over the place of the layer between stem and last block, a line with a band for each architecture."}} tags=["hide-input"]
groups = {"growing depth": deep, "growing width": wide}
grouped = {title: {architecture: found[architecture] for architecture in group} for title, group in groups.items()}
figures.show(first_component_figures.shares_by_depth(grouped),
             f"**Share of the first component in every layer.** Line: mean of the networks of an architecture; band: "
             f"all of them. n = {n_images} test images; {n_networks} networks in all.")

# %% [markdown]
# ## Inside the block and outside
#
# For each network: the correlation of CKA and squared cosine over all pairs of different layers; the mean share of the
# layers inside its block structure minus that of the layers outside; and how far CKA falls when the first components are removed,
# for the pairs of layers inside the block and for all other pairs. A network without a block has no inside, and one
# that is all block no outside: it is left out where that is asked. Intervals are over the networks of an architecture,
# at least three (Student's; for verdicts, at least six and Student's margin on the scale of the logit, within what is
# possible). Where all have the same value by chance, an interval has no width, which is not certainty.
#
# Two of these numbers say little alone. CKA and squared cosine may both fall with the distance of the layers, and be
# correlated for that alone. And CKA inside the block is near 1, as that is how the block was chosen: it can hardly do
# other than fall. Whether it falls further than elsewhere is the stricter question.

# %% tags=["hide-input", "nbval-ignore-output"]
first_component.table(found, first_component.PAIRS).style.hide(axis="index")

# %% mystnb={"image": {"alt": "Three panels, a row for each architecture: the correlation of CKA and squared cosine, the share inside minus outside the block, and the fall of CKA inside the block and elsewhere, with intervals where there are three networks."}} tags=["hide-input"]
correlation, contrast, *falls = first_component.PAIRS.items()
panels = {"CKA and squared cosine": dict([correlation]), "first component": dict([contrast]), "removal": dict(falls)}
labels = ["correlation", "share, inside − outside", "fall of CKA"]
figures.show(first_component_figures.dots(found, panels, labels),
             f"**Components and the block.** Means over networks with 95 % intervals; empty where fewer than three "
             f"networks have what is asked. n = {n_images} test images; {n_networks} networks.")

# %% [markdown]
# ## The last two stages together: Fig. D.5
#
# One number a network: the activations of all layers of the last two stages are laid behind one another, and the share
# of the first component of the whole is taken. It is the largest eigenvalue over the trace of the sum of the layers'
# Gram matrices; layers are not brought to one scale before, so that those with large activations count for more.

# %% mystnb={"image": {"alt": "Left a table of colours, networks by architectures: the share of the first component of the last two stages together, with the block's share of the depth in brackets. Right the one over the other, a point for each network."}} tags=["hide-input"]
figures.show(first_component_figures.late_share_heatmap(found),
             f"**The paper's Fig. D.5.** Left, upper number and colour: share of the first component of the last two "
             f"stages; in brackets: layers in the block over all layers. Right: the same two numbers, a point a network. "
             f"n = {n_images} test images; {n_networks} networks.")

# %% [markdown]
# Do both go together in the seeds of one architecture, which is what the paper's Fig. D.5 is about? The least-squares
# slope of the component's share on the block's, with an intercept for every architecture and Student's interval. Over
# architectures both may differ for other reasons, even with the opposite sign, and the block of a shallow network takes
# a large part of its depth at once: that is left out. Where the seeds of every architecture have blocks of one size,
# there is no slope.

# %% tags=["nbval-ignore-output"]
print(f"slope within architectures, {n_networks} networks:", in_brackets(share_and_block(found)))

# %% [markdown]
# ## Dominant images
#
# Which images does the component tell apart? Here $u$ is the first component of all layers of the block together; each
# image has one coefficient, and the squares sum to one. (For a network without a block, figures show the last two
# stages together; the tables and verdicts leave it out.) If few images carried everything, the curves below would rise
# to one at once. Coefficients of a normal law, where no image stands out, give the dashed line.

# %% mystnb={"image": {"alt": "Two panels, the deepest and the widest networks: share of the squared coefficients over the share of the images that carry it on a logarithmic axis, a line for each network, with a dashed line for a normal law."}} tags=["hide-input"]
ends = {architecture: found[architecture] for architecture in (deep[-1], wide[-1])}
few = one_percent(n_images)
normal = normal_carried(n_images)[few - 1]
figures.show(first_component_figures.carried_curves(ends),
             f"**How few images carry the first component.** A line a network, the images with the largest "
             f"coefficients first; grey: no block; dashed: normal law, {normal:.2f} on 1 % of the images ({few} "
             f"of {n_images}). n = {sum(map(len, ends.values()))} networks.")

# %% mystnb={"image": {"alt": "A row of images for each of the deepest networks: those with the largest coefficients, each with its class and coefficient above."}} tags=["hide-input"]
pixels = images.pixel_values(images.test_images)
names = [images.classes[label] for label in images.test_labels]
gallery_caption = (f"A row a network, {p.seeds} in all. The {TOP} of {n_images} test images with the largest "
                   "coefficients, with class and coefficient; the sign, and its colour, only tells which of them are on "
                   f"one side. Framed: also among the {TOP} with the longest activations.")
figures.show(first_component_figures.gallery(deep[-1], found[deep[-1]], pixels, names),
             f"**Dominant images of the deepest networks.** {gallery_caption}")

# %% mystnb={"image": {"alt": "A row of images for each of the widest networks: those with the largest coefficients, each with its class and coefficient above."}} tags=["hide-input"]
figures.show(first_component_figures.gallery(wide[-1], found[wide[-1]], pixels, names),
             f"**Dominant images of the widest networks.** {gallery_caption}")

# %% [markdown]
# *Length*: of an image's activations in the same layers, not centred. *Rank by length*: mean rank of the ten dominant
# images among all by this length, from 0 to 1; if length had nothing to do with the coefficient, it would be 0.5. *Also
# longest*: share of them that are among the ten longest. *Shared by seeds*: share of the ten that another seed of the
# architecture has among its ten; its interval is a jackknife's, a network left out of all its pairs at once.

# %% tags=["hide-input", "nbval-ignore-output"]
blocks = with_block(found)
print(f"by chance two networks would share {min(1, TOP / n_images):.3f} of their ten images")
first_component.image_table(blocks).style.hide(axis="index")

# %% [markdown]
# ## The block without them
#
# If a few images make the block, CKA inside it has to fall when these are left out. The images with the largest
# coefficients are dropped, and as many random ones for comparison. The layers are those of the block on all images.

# %% mystnb={"image": {"alt": "One panel, a row for each architecture: mean CKA inside the block on all images, without random images and without the dominant ones, with intervals where there are three networks with a block."}} tags=["hide-input"]
title = f"{settings.dropped} of {n_images} images dropped"
figures.show(first_component_figures.dots(blocks, {title: first_component.DROPPED}, ["mean CKA inside the block"]),
             f"**CKA inside the block.** Means over networks with a block, 95 % intervals; random: mean of "
             f"{p.random_drops} choices in each network. n = {sum(map(len, blocks.values()))} networks.")

# %% tags=["hide-input", "nbval-ignore-output"]
first_component.table(blocks, first_component.DROPPED).style.hide(axis="index")

# %% [markdown]
# ## Verdicts
#
# All claims but the one on share and block are about every architecture with six networks of which they can be asked,
# and not tested where there is none. Most of the images of a seed are more than one half of them.

# %% tags=["hide-input"]
results.rules(CLAIMS)

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = component_claims(found, fit)
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - Depths, widths, training and images are smaller, as in the chapter before. Layers are block outputs, not all
#   operations of the network.
# - The share is the exact ratio of eigenvalues; the released program takes it of the transposed matrix. The released
#   program of the removal centres and transposes in an order that does not fit the rest of it; here the formula is
#   followed.
# - Whether the paper brings layers to one scale before it takes those of two stages together is not known.
# - The follow-up's own definition of dominant images is not at hand: here they are those with the largest coefficients.
# - All comparisons in numbers, their intervals and the rules are additions.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
measures = {str(architecture): {
    "block": [[network.block.start, network.block.stop] if network.has_block else None for network in networks],
    "block_share": late_shares(networks)[:, 1], "late_share": late_shares(networks)[:, 0],
    "shares": [network.shares for network in networks],
    "agreement": [network.agreement() for network in networks],
    "share_contrast": [network.share_contrast() for network in networks],
    "fall": [[network.fall(True), network.fall(False)] for network in networks],
    "one_percent_carries": [carried(network.coefficients)[few - 1] for network in networks],
    "dropped": [network.dropped and list(network.dropped) for network in networks]}
    for architecture, networks in found.items()}
numbers = {"images": n_images, "dropped": settings.dropped, "networks": n_networks, "measures": measures,
           "share_and_block": share_and_block(found),
           "maps": {str(one): {title: kept(cka, found[one][0].block)
                               for title, cka in first_component_figures.layer_maps(found[one][0]).items()}
                    for one in (deep[-1], wide[-1])}}
results.write(p.study, "12_first_component", vars(p), numbers, verdicts)
