# %% [markdown]
# # 13. Linear probes and deleted blocks
#
# **Question.** Many neighbouring layers of a deep or wide network can represent images alike: a block structure
# ({doc}`11_block_structure`). Do these layers still do something? Two looks inside: how well an affine map of a layer's
# activations tells the classes, and what is lost when residual blocks are deleted.
#
# **What the paper says** {cite:p}`nguyen2021wide`. Its Fig. 4 shows the accuracy of linear probes over the layers,
# after and before the residual additions: without a block structure it rises from layer to layer, inside one it hardly
# changes, and it is the residual connections that preserve the representation there. Its Fig. 5 deletes residual blocks
# from the end of each stage: inside the block structure this costs almost nothing, and how much it costs differs
# between networks with the size and clarity of their block structure. The body of the paper is not at hand: this
# follows its authors' program and slides that show the figures. That probes are *better* after the additions than
# before is inferred from the words.
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
probe_pool = 1
cka_batch = 256
cka_passes = 4
block_threshold = 0.9
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "wide_depth", "widths", "depths", "seeds",
                                "reference_images", "epochs", "learning_rate", "precision", "probe_pool", "cka_batch",
                                "cka_passes", "block_threshold", "random_seed"])

# %%
import torch
from IPython.display import Markdown, display
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters.probes_and_deletion import CLAIMS, deletions, effects_table, networks_table, probe_claims, probes
from lib.cka.block_effects import PLATEAU_LOSS, measure, plateaus, rank_correlations
from lib.cka.block_growth import block_structure, reference_population
from lib.cka.kept_maps import kept
from lib.cka.probes import PENALTY
from lib.training.wide_and_deep import Architecture, architecture_populations

# %% [markdown]
# ## Networks
#
# The shallowest and the deepest of width 1, and the widest. Layers are numbered 0 for the stem and then residual block by
# residual block.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
n_train, n_images = len(images.train_labels), len(images.test_labels)
parameters.check_at_most("cka_batch", p.cka_batch, n_images)
chosen = [Architecture(min(p.depths)), Architecture(max(p.depths)), Architecture(p.wide_depth, max(p.widths))]
populations = architecture_populations(images, chosen, p.seeds, epochs=p.epochs, learning_rate=p.learning_rate,
                                       precision=p.precision)
without_block = reference_population(images, min(p.depths), p.reference_images, p.seeds, epochs=p.epochs,
                                     learning_rate=p.learning_rate, precision=p.precision)
find = block_structure(without_block, images.test_images, p.block_threshold, p.random_seed, batch_size=p.cka_batch,
                       passes=p.cka_passes)
found = {architecture: measure(population, images, torch.Generator().manual_seed(p.random_seed), find=find,
                               batch_size=p.cka_batch, passes=p.cka_passes, pool=p.probe_pool)
         for architecture, population in populations.items()}

# %% tags=["hide-input", "nbval-ignore-output"]
counted = ", ".join(f"{len(population)} {architecture}" for architecture, population in populations.items())
print(f"networks: {counted}; training images: {n_train}; test images: {n_images}")
fit = gates.of_wide_and_deep(populations.values())
results.gates({"all networks": fit})

# %% [markdown]
# ## What a probe is
#
# The network is frozen. A probe maps the activations $x$ of one layer, all channels and places as one long vector, to
# scores $W x + b$ of the classes. It is the logistic regression of the training images,
#
# $$ \min_{W, b} \; \frac{1}{n} \sum_{i=1}^n \mathrm{CE}(W x_i + b, y_i) + \frac{\lambda}{2} \lVert W \rVert^2 ,
# \qquad \lambda = 10^{-4}, $$
#
# of activations that are scaled by one number, so that their mean squared distance from their mean is 1: no single
# feature is given another weight than the network gave it. The best $W$ lies in the span of the $n$ training images, so
# that $n$ coordinates are enough whatever the number of features, and the solution in them is exact. What counts is
# the accuracy on the test images.
#
# One probe looks at the sum of branch and shortcut, before the ReLU (*after* the addition), and one at the branch alone,
# the output of its last BatchNorm (*before* it).
#
# A residual block is *inside* the block structure of its network if the layer that it starts from and the layer that it
# makes both belong to it. Where a network has none, nothing is inside.
# The *block structure* of a network is that of {doc}`11_block_structure`: its longest run of layers of which every two
# have a CKA above `block_threshold`, if it crosses a boundary of stages and is longer than any such run at equal
# relative depth in networks that have none, shallow and narrow ones trained with more images (`reference_images`).

# %% tags=["hide-input", "nbval-ignore-output"]
display(networks_table(found).style.hide(axis="index"))
display(Markdown(f"Block structures at CKA > {p.block_threshold:g}. Numbers with commas are one a network. Plateaus "
                 "and losses are those of Fig. 5 below."))

# %% [markdown]
# ## Probes over the layers: Fig. 4

# %% mystnb={"image": {"alt": "A column for each architecture: above, the CKA of every two layers of one network as a square of colours, its block structure outlined if it has one; below, probe accuracy over the layers, solid lines after the residual additions and dashed ones before, thin for single networks and thick for their mean, with bars at the foot where block structures lie."}} tags=["hide-input"]
figures.show(probes(found),
             "**The paper's Fig. 4.** Above: CKA of the layers of the first network of each architecture, its block "
             "structure outlined if it has one. Below: thin lines are single networks, thick ones their mean. Layer 0 "
             f"is the stem. Networks: {counted}. Probes learn from n = {n_train} training images and are tested on "
             f"{n_images}.")

# %% [markdown]
# ## Blocks deleted: Fig. 5
#
# A residual block is deleted by handing its input on: its shortcut stays. From the end of a stage one block after the
# other goes, while the other stages stay whole; nothing is trained again, and running statistics stay as they are. The
# first blocks of stages 2 and 3 change the shape of the activations and cannot go.

# %% mystnb={"image": {"alt": "A panel for each architecture: test accuracy after deleting a residual block and all behind it in its stage, over the place of that block, thin lines for single networks and a thick one for their mean, with a grey line for whole networks, green lines between stages, and bars at the foot where block structures lie."}} tags=["hide-input"]
figures.show(deletions(found),
             f"**The paper's Fig. 5.** Each point deletes the block named on the axis and all behind it in its stage. "
             f"Thin lines are single networks, the thick one is their mean. Networks: {counted}; n = {n_images} test "
             "images.")

# %% [markdown]
# The length of a *plateau* is the largest number of blocks at the end of one stage that can go while no more than one
# hundredth of the images is lost. It only describes, in the table of networks above; no verdict uses it.

# %% [markdown]
# ## Inside against outside
#
# Three numbers for each residual block: how much probe accuracy it adds to that of the layer before; how much better
# the probe after its addition is than that before; and how much accuracy its deletion costs, once all behind it in its
# stage are deleted. Each is averaged over the blocks inside the block structure and over the others of the same network
# (for deletions only over those that can go).
#
# *Intervals.* Student's, over networks; each network's inside is compared with its own outside, so that what
# distinguishes whole networks drops out. Training and test images are the same for all networks and are not drawn
# again: the intervals are about other seeds, not other images. With fewer than three networks there is none,
# with fewer than six no verdict.

# %% tags=["hide-input", "nbval-ignore-output"]
display(effects_table(found).style.hide(axis="index"))
display(Markdown("Shares of the test images, with 95 % intervals and, in brackets, the number of networks. The last "
                 "column is about all blocks of the networks without a block structure."))

# %% [markdown]
# What to keep in mind. Block structures may lie where probes are good already: the gain there would then be small
# anyway, and its comparison with the outside alone does not tell what caused it; and where probes get worse from layer
# to layer, as they may on images that are told apart easily, a block that adds less does more harm. The comparison
# after and before the addition has neither weakness.
#
# Deletions have two of their own. Where in the network a residual block lies may matter as much as whether it is
# inside: where block structures lie early, for example, the inside is compared with later blocks, and one reason
# cannot be told from the other. And accuracy cannot fall below chance: where a stage is lost already, deleting one
# more block of it costs nothing, inside or outside.

# %% [markdown]
# ## Verdicts
#
# The first four claims are about every architecture with at least six networks that can decide them: without a block
# structure for the first, with one for the others. Where there is none they are not tested. The correlation is
# Spearman's, of probes after the additions: a rise at every single step would be a stronger statement, which the noise
# of the test images does not let one decide. In the last claim a network without a block structure has the share 0.

# %% tags=["hide-input"]
results.rules(CLAIMS)

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = probe_claims(found, fit)
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - Its probes are trained by SGD with cropped and mirrored images, without penalty, and the best test accuracy over
#   settings and epochs counts. Here they are the solution of one convex problem with a weak penalty on the training
#   images as they are, which nobody has to choose a moment for: no test image has a part in it.
# - Three architectures and few networks, small images by default, and fewer training steps than the paper's.
# - Which blocks were deleted together in its Fig. 5 is inferred: one stage at a time.
# - The numbers for inside and outside, their intervals and the rules are additions.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
numbers = {"images": n_images, "train_images": n_train, "penalty": PENALTY, "plateau_loss": PLATEAU_LOSS,
           "maps": {str(key): kept(measures.maps[0], measures.structures[0]) for key, measures in found.items()},
           "architectures": {str(key): {
               "structures": [[structure.start, structure.stop, structure.layers] for structure in measures.structures],
               "probes_after": measures.after, "probes_before": measures.before, "deleted": measures.deleted,
               "whole": measures.whole, "plateau": plateaus(measures), "mean_loss": measures.loss,
               "rank_correlation": rank_correlations(measures)} for key, measures in found.items()}}
results.write(p.study, "13_probes_and_deletion", vars(p), numbers, verdicts)
