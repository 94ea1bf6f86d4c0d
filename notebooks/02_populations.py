# %% [markdown]
# # 2. The populations
#
# **Question.** Which networks is this book about, how were they trained, and how well do they do?
#
# **What the paper says.** Four families of networks, two plain convolutional ones and two residual ones, are scaled
# by one number, the width $k$, which multiplies the channels of every layer {cite:p}`wang2024great`.
# A family at width $k$ is a *distribution* of trained networks: the architecture, the data and the recipe are fixed,
# the initial weights and the order of the images are drawn anew for every seed.
# The number of parameters grows with the square of the width (the paper's Fig. 16).
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

# %% tags=["hide-input"]
from lib import parameters
from lib.family_widths import by_family, table

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs",
                                "precision"])
widths_of = by_family(p.widths, p.families)

# %%
import numpy as np
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters.populations import (
                                ACCURACY,
                                PARAMETERS,
                                all_claims,
                                counted_parameters,
                                expected_parameters,
                                parameters_by_width,
)
from lib.statistics import intervals
from lib.training.populations import population_grid, test_accuracies

# %% [markdown]
# ## The images
#
# By default the book trains on scikit-learn's handwritten digits: 1,797 grey images of 8 x 8 pixels in ten classes,
# split once, class by class, into 1,200 for training and 597 for testing.
# They come with the library, so that the whole book can be computed in minutes on any machine.
# Pixels are shifted and scaled by the mean and standard deviation of the training images; there is no augmentation.

# %%
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
shape = " x ".join(map(str, images.train_images.shape[1:]))
print(f"{images.name}: {len(images.train_labels)} training and {len(images.test_labels)} test images, "
      f"{shape} (channels x height x width), {len(images.classes)} classes")

# %% [markdown]
# ## The architectures
#
# All convolutions of the plain networks are 3 x 3 with bias, each followed by BatchNorm and ReLU.
# `cnn-small` has four of them with $k, 2k, 4k, 8k$ channels, `cnn-large` two of each; max-pooling halves the map twice,
# and a last pool takes the map that is left.
# The residual networks begin with a 7 x 7 convolution of stride 2 and have four stages of basic blocks with
# $k, 2k, 4k, 8k$ channels: two blocks and then one a stage in `resnet-small`, two everywhere in `resnet-large`,
# which at $k = 64$ is a ResNet-18 without its max-pool.
#
# The paper's images are 32 x 32. One rule fits the same networks to other sizes: the last pool takes the map that is
# left, and a pool or stride that would meet a map of one pixel is left out. Nothing else changes, and no weight gets
# another shape except through the number of colour channels.
#
# With $C$ classes and three colour channels the numbers of trainable parameters follow from the layers:
#
# $$
# \begin{aligned}
# \text{cnn-small:}\quad & 378 k^2 + 72 k + 8 C k + C \\
# \text{cnn-large:}\quad & 1143 k^2 + 117 k + 8 C k + C \\
# \text{resnet-small:}\quad & 1212 k^2 + 241 k + 8 C k + C \\
# \text{resnet-large:}\quad & 2724 k^2 + 297 k + 8 C k + C
# \end{aligned}
# $$
#
# The table counts them in the networks that this book builds, for 32 x 32 colour images and ten classes, at the
# paper's widths, and gives the largest difference from the formula.

# %%
counted = counted_parameters()
off = counted - expected_parameters()
print(counted.to_string())
print("largest difference from the formulas:", int(off.abs().to_numpy().max()))

# %% mystnb={"image": {"alt": "Four nearly straight, nearly parallel lines on doubly logarithmic axes: the number of parameters against the width k from 2 to 160, lowest for cnn-small, then cnn-large and resnet-small nearly together, highest for resnet-large."}} tags=["hide-input"]
figures.show(parameters_by_width(counted_parameters([2, 4, 8, 16, 32, 64, 128, 160])),
             "**The paper's Fig. 16.** Trainable parameters against width, for 3 x 32 x 32 images and 10 classes; "
             "n = 1 network counted for each point. The slope approaches 2: four times the parameters for twice the width.")

# %% [markdown]
# ## The recipe
#
# As the authors' released program has it: stochastic gradient descent without momentum or weight decay, in batches of
# 128 with the last, smaller batch kept, cross entropy, PyTorch's default initial weights, and the learning rate
#
# $$ \eta_e = \frac{0.1}{\sqrt{e + 1}}, \qquad e = 0, 1, 2, \dots $$
#
# in epoch $e$. The weights after the last epoch are the network.
# Initial weights and image order come from random streams of their own, made from the family, the width and the seed:
# a seed gives the same network whatever else is trained beside it, and no two networks share a stream.
#
# Every network is kept on disk with its curves and checksums. The next cell trains what is missing and loads the rest.

# %% tags=["nbval-ignore-output"]
populations = population_grid(images, p.families, widths_of, p.seeds, epochs=p.epochs, precision=p.precision)

# %%
sizes = table({family: {k: len(populations[family, k]) for k in widths_of[family]} for family in p.families})
print("trained networks in each population\n" + sizes.to_string())
networks = sum(map(len, populations.values()))

# %% mystnb={"image": {"alt": "One panel for each family with training loss over epochs on a logarithmic axis, one curve for each width with a band that holds all its networks."}} tags=["hide-input"]
losses = {family: {k: np.array([network.train_loss for network in populations[family, k].networks])
                   for k in widths_of[family]} for family in p.families}
figures.show(figures.curves(losses, "training loss (nats)"),
             f"**Training loss.** Mean over the networks of a population (line) and the range that holds all of them "
             f"(band); n = {networks} networks, {len(images.train_labels)} training images.")

# %% tags=["nbval-ignore-output"]
falling = [family for family, by_width in losses.items()
           if (np.diff([values[:, -1].mean() for values in by_width.values()]) < 0).all()]
print("families whose mean training loss after the last epoch is lower at every larger width:", ", ".join(falling) or "none")

# %% [markdown]
# ## How well they do
#
# The interval of a mean over networks is Student's, over the networks of the population.

# %% mystnb={"image": {"alt": "Two panels over the width k with one line for each family: mean test accuracy, and mean test loss on a logarithmic axis, with intervals over the networks."}} tags=["hide-input", "nbval-ignore-output"]
accuracy = {family: list(found.values()) for family, found in test_accuracies(populations).items()}
loss = {family: [[network.test_loss[-1] for network in populations[family, k].networks] for k in widths_of[family]]
        for family in p.families}
figure, (left, right) = figures.subplots(1, 2, width=5.2)
for axis, measured, most, label in ((left, accuracy, 1, "test accuracy (fraction)"), (right, loss, np.inf, "test loss (nats)")):
    found = {family: intervals.mean_interval(np.array(values).T) for family, values in measured.items()}
    figures.by_width({family: intervals.bounded(part, 0, most) for family, part in found.items()}, widths_of, label,
                     log=axis is right, axis=axis)
figures.show(figure, f"**Accuracy and loss by width.** Means over networks with 95 % intervals; n = {networks} networks, "
             f"{len(images.test_labels)} test images.")

# %% tags=["nbval-ignore-output"]
means = table({family: {k: f"{np.mean(row):.3f} ± {np.std(row, ddof=1):.3f}" for k, row in zip(widths_of[family], rows)}
               for family, rows in accuracy.items()})
print("test accuracy, mean ± standard deviation over networks\n" + means.to_string())

# %% [markdown]
# ## Verdicts
#
# The claims, with rules that do not depend on this run; intervals are over networks. Here and in the chapters that follow
# claims about networks are judged only where these have learnt something, and where there are enough of them:

# %% tags=["hide-input"]
results.rules([PARAMETERS, ACCURACY], family="a family", widest="K", narrowest="k")

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
results.gates(learnt)

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = all_claims(off, accuracy, widths_of, len(images.test_labels), learnt)
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - The images: digits of 8 x 8 pixels by default, where the paper has CIFAR-10, CIFAR-100 and Tiny ImageNet.
# - The epochs: 20 by default. The paper's number is not known; the released scripts use 100, the program's default is 200.
# - The widths: smaller ones by default, because the images are. The paper has 10, 20, 40, 80 and 160.
# - The parameter counts above are for the paper's images; networks that read one grey channel have $18 k$ parameters
#   fewer in the plain families and $98 k$ fewer in the residual ones.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts, level=None), display=False)

# %% tags=["hide-input", "remove-output"]
numbers = {"parameters": counted.to_dict(), "test_accuracy": accuracy, "test_loss": loss}
results.write(p.study, "02_populations", vars(p), numbers, verdicts)
