# %% [markdown]
# # Bring your own models
#
# **Question.** What do *your* networks have in common, on *your* images?
#
# All that the book measures needs three things: networks that give class scores, images, and their labels. This chapter
# takes them from anywhere, in about ten lines, and gives the numbers of chapters {doc}`03_individual_similarity` and
# {doc}`04_hypotheses` (for CKA between layers, stitches and attacks there are {doc}`../your_networks`): the map of expected similarities $\rho$, the cosines of mean directions, and $\mathbb E[t]$, the mean
# cosine of a network's direction with the mean direction of its group.
#
# The networks are any PyTorch modules, whatever the size and the number of channels of the images they take. They are
# used in eval mode and left as they were. A *group* holds networks that differ by chance alone: one architecture and
# recipe, trained from several seeds. A group of one network is possible too, and says less.
#
# Without files of the reader's the chapter shows it on networks of three architectures that earlier chapters trained.

# %% tags=["hide-input", "parameters"]
study = "mine"
model_folder = None  # your networks: TorchScript files or exported programs, a folder for each group
picture_folder = None  # your pictures: CLASS/FILE
picture_size = 224  # or [height, width]
picture_mean = [0.485, 0.456, 0.406]  # one number for grey pictures
picture_std = [0.229, 0.224, 0.225]
dataset = "digits"  # from here to learning_rate: what is shown without files
n_train = None  # all images; so for n_test
n_test = None
families = ["cnn-small", "resnet-small", "vit"]
widths = [4, 16]
seeds = 6
epochs = 20
precision = "float32"
learning_rate = 0.01  # of transformers
output = "logit"
grid = 8
bootstrap_draws = 500
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "model_folder", "picture_folder", "picture_size", "picture_mean", "picture_std",
                                "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs", "precision",
                                "learning_rate", "output", "grid", "bootstrap_draws", "random_seed"])
parameters.check_together(p, "model_folder", "picture_folder")

# %%
import warnings

import numpy as np
import pandas as pd
from IPython.display import display
from torch import nn

from lib import data, figures, models, own, results, salience
from lib.chapters import own_figures
from lib.training.populations import population_grid

# %% [markdown]
# ## Networks and images
#
# What follows needs `networks`, a dictionary of a group's name and its modules, `images`, a tensor
# `[images, channels, height, width]` as the networks take them, and `labels`, the place of each image's class among the
# scores. How they were made does not matter.

# %% tags=["hide-input", "nbval-ignore-output"]
if p.model_folder:
    with parameters.about("model_folder"):
        networks = own.load_models(parameters.located("model_folder", p.model_folder, "a folder of networks"))
    with parameters.about("picture_folder"):
        place = parameters.located("picture_folder", p.picture_folder, "a folder of pictures, CLASS/FILE,")
        transform = own.resized(p.picture_size, p.picture_mean, p.picture_std)
        images, labels, classes = own.load_images(place, transform, count=p.n_test)
else:
    shown = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
    images, labels, classes = shown.test_images, shown.test_labels, shown.classes
    adam = {"optimiser": "adam", "learning_rate": p.learning_rate}
    populations = {}
    for family in p.families:
        recipe = adam if family in models.VIT_LAYOUTS else {}
        populations |= population_grid(shown, [family], p.widths, p.seeds, epochs=p.epochs, precision=p.precision, **recipe)
    networks = {f"{family} {k}": list(population.models()) for (family, k), population in populations.items()}
parameters.check_grid(p.grid, images.shape[1], min(images.shape[2:]))

# %%
print(f"{len(labels)} images, {' x '.join(map(str, images.shape[1:]))} (channels x height x width), {len(classes)} classes")
print("networks:", ", ".join(f"{len(group)} {name}" for name, group in networks.items()))

# %% [markdown]
# ## Ten lines

# %% tags=["nbval-ignore-output"]
from lib import own

found = own.compare(networks, images, labels, grid=p.grid, output=p.output, draws=p.bootstrap_draws,
                    seed=p.random_seed)
rho, low, high = found.rho  # [groups, groups], with 95 % intervals
cosines, _, _ = found.mean_direction_cosines  # [groups, groups]
expected_t, _, _ = found.expected_t  # [groups]
print(*found.notes(), sep="\n")
found.table().round(3)

# %% [markdown]
# The same numbers as one labelled table, a row for every two groups:

# %% tags=["nbval-ignore-output"]
found.to_frame().round(3)

# %% [markdown]
# `found.directions` keeps the unit directions themselves, a group's `[networks, images, dims]`, for everything else that
# the library does with them.
#
# Accuracy stands in the table for a reason. Scores in another order than the labels, or images that were not normalised
# as in training, give numbers without an error, and without a meaning: networks that do no better than naming the most
# frequent class are warned of by name.

# %% mystnb={"image": {"alt": "Two heatmaps over the groups of networks with a number and its interval in every cell: the expected similarity of two different networks, and the corrected cosine of the groups' mean directions."}} tags=["hide-input"]
counted = f"n = {len(labels)} images, {sum(found.networks)} networks"
figures.show(own_figures.maps({"networks: ρ": found.rho, "mean directions, corrected": found.mean_direction_cosines},
                              found.groups),
             "**Groups of networks.** Left: expected similarity of two different networks. Right: cosine of the groups' mean "
             "directions, $\\rho_{12} / \\sqrt{\\rho_{11} \\rho_{22}}$, which can exceed 1 by its error. Below each number "
             f"its 95 % interval, over {found.samples}; {counted}.")

# %% mystnb={"image": {"alt": "A row for each group of networks with a point and its interval: the mean cosine E[t] of a network's direction with the mean direction of its group."}} tags=["hide-input"]
figures.show(own_figures.expected_t(found.expected_t, found.groups),
             "**Concentration.** $\\mathbb E[t]$ of each group with its 95 % interval, where it has one, over "
             f"{found.samples}; {counted}.")

# %% [markdown]
# How to read it: the left map alone cannot tell whether two groups differ because they look elsewhere or because each
# network strays. $\mathbb E[t]$ says how far networks stray from their group's mean direction; the right map compares
# those mean directions, freed of the straying. If the right map shows ones everywhere, the groups look at the same pixels
# and the left one is $\mathbb E[t_1]\, \mathbb E[t_2]$.
#
# They are the numbers of the book: on the networks of earlier chapters the directions are those that the chapters take.

# %% tags=["nbval-ignore-output"]
if p.model_folder is None:
    book = salience.population_directions(populations, shown, output=p.output, grid=p.grid, keep_dead=True)
    apart = max(np.abs(rows - found.directions[f"{family} {k}"]).max() for (family, k), rows in book.items())
    print(f"largest difference from the chapters' directions, whose entries are at most 1: {apart:.0e}")

# %% [markdown]
# ## One network of each kind
#
# Often there is one network of each kind: published weights, for instance. Then there is no similarity within a group, the
# intervals count images alone, and $\mathbb E[t]$ can only be had through the law of rank one, $\rho_{ij} = \mathbb E[t_i]\,
# \mathbb E[t_j]$, from three networks on. That law needs one mean direction for all of them. Where architectures do not
# share one the fit is wrong, most often too small; where a group has several networks the first column tells.

# %% tags=["nbval-ignore-output"]
if len(networks) > 1:
    single = own.compare({name: group[0] for name, group in networks.items()}, images, labels, grid=p.grid,
                         output=p.output, draws=p.bootstrap_draws, seed=p.random_seed)
    print(*single.notes(), sep="\n")
    display(pd.DataFrame({"E[t], all networks": found.expected_t[0], "E[t], first ones, by the fit": single.expected_t[0],
                          "low": single.expected_t[1], "high": single.expected_t[2]}, index=found.groups).round(3))
else:
    single = None
    print("one group, nothing to compare it with")

# %% [markdown]
# ## What can go wrong
#
# A network that cannot be used is refused in one sentence, which names it and says what would help; one that can be used and
# looks wrong is warned of. Here the first network is spoilt in ways that occur.

# %% tags=["nbval-ignore-output"]
good, channels = next(iter(networks.values()))[0], images.shape[1]
spoilt = {
    "a softmax at the end": nn.Sequential(good, nn.Softmax(1)),
    "no head": nn.Sequential(good, nn.Unflatten(1, (-1, 1, 1))),
    "one number for two classes": nn.Sequential(good, nn.AdaptiveAvgPool1d(1)),
    "BatchNorm over the batch": nn.Sequential(nn.BatchNorm2d(channels, track_running_stats=False), good),
    "another number of channels": nn.Sequential(nn.Conv2d(channels, channels + 1, 1), good),
}
for name, network in spoilt.items():
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            own.compare({name: network, "good": good}, images[:100], labels[:100], grid=p.grid, draws=2)
        except ValueError as error:
            print(f"refused: {error}\n")
        for warning in warned:
            print(f"warned: {warning.message}\n")

# %% [markdown]
# What no program can find: labels of other classes that happen to fit, or images that were prepared a little differently
# from those of the training.
#
# ## Your own folder
#
# **From Python.** Build the modules as always, and give them names:
#
# ```python
# import torch, torchvision
# from lib import own
#
# weights = torchvision.models.ResNet18_Weights.DEFAULT
# images, labels, classes = own.load_images("my/pictures", weights.transforms(),
#                                           classes=weights.meta["categories"], count=500)
# networks = {name: torchvision.models.get_model(name, weights="DEFAULT") for name in ("resnet18", "resnet50", "vit_b_16")}
# found = own.compare(networks, images, labels)
# rho, low, high = found.rho
# print(found.table(), found.to_frame(), *found.notes(), sep="\n")
# ```
#
# The pictures lie in `my/pictures/CLASS/FILE`; the folders are named as the classes. A network of your own comes back from
# its weights as ever:
#
# ```python
# def network(file):
#     model = torchvision.models.get_model("resnet18", weights=None, num_classes=10)
#     model.load_state_dict(torch.load(file, weights_only=True))
#     return model
#
# networks = {"resnet18": [network(f"my/seed-{seed}.pt") for seed in range(5)]}
# ```
#
# With timm a network is `timm.create_model(name, pretrained=True)`, and
# `timm.data.create_transform(**timm.data.resolve_model_data_config(model))` its transform. Image classifiers of Hugging Face,
# `transformers.AutoModelForImageClassification.from_pretrained(name)`, go as they are: their `logits` are taken. A generator,
# `(network(file) for file in files)`, holds one network in memory at a time, and the first of its group.
#
# - *Other normalisations*: put them into the network, `nn.Sequential(torchvision.transforms.v2.Normalize(mean, std), model)`,
#   and give all networks the same pixels from 0 to 1: `own.resized(224, mean=(0, 0, 0), std=(1, 1, 1))`.
# - *Other sizes*: `images` may be a dictionary of a group's name and its images, the same pictures in the same order. The
#   directions are comparable, because gradients are averaged over a grid of equal areas.
# - *Scores inside something else*: `compare(..., scores={"my group": lambda output: output[0]})` takes them out, for the
#   groups that need it.
# - *Memory*: of the gradients only the directions are kept, and if even they would not fit, a sentence says beforehand how
#   many images would; `batch_size=16` makes the steps smaller.
# - *Layers, stitches, attacks*: `own.layer_cka`, `own.stitch` and `own.attack_transfer` take the same networks and images;
#   {doc}`../your_networks` has a recipe of some lines for each.
#
# **From files.** A folder of networks that bring their architecture along, and one command:
#
# ```bash
# .venv/bin/python -m lib.run own_models --study own --model_folder my/networks \
#     --picture_folder my/pictures --picture_size 224 --n_test 500
# ```
#
# `my/networks/resnet18/seed-0.pt2` and its neighbours are the group `resnet18`, a file at the top is a group of its own, and
# the classes are the names of the picture folders in alphabetical order, so they must be all that the networks know and in
# that order. `--picture_mean 0.5 --picture_std 0.5` is for grey pictures. Such a file is written by
#
# ```python
# example, dynamic = torch.randn(2, 3, 224, 224), {0: torch.export.Dim.AUTO}  # any number of images
# torch.export.save(torch.export.export(model.eval(), (example,), dynamic_shapes=(dynamic,)), "seed-0.pt2")
# ```
#
# or, as long as PyTorch has it, by `torch.jit.script(model.eval()).save("seed-0.pt")`. An exported program stays in the mode
# that it was exported in, hence `eval()`; one that was exported in train mode is found out and refused.
#
# *Trust and rights*: both kinds of file are programs, so load those of people you trust. Files of weights alone, and
# pickled modules, which could run anything, are refused with the lines that help. Published weights and pictures have
# licences of their own; this book contains none of them, and the command above sends nothing anywhere.
#
# ## What it rests on
#
# - Similarity within a group takes two networks, an interval that counts networks three, as everywhere in the book.
# - The direction is that of the true class's score, whether or not the network is right about the image.
# - There are no verdicts here: what the papers claim about networks of growing width is tested in the other chapters.

# %%
ends = "estimate", "low", "high"
numbers = {"groups": found.groups, "networks": found.networks, "images": len(labels), "accuracy": found.accuracy,
           "samples": found.samples, "expected": dict(zip(ends, found.rho)),
           "cosine_corrected": dict(zip(ends, found.mean_direction_cosines)), "mean_cosine": dict(zip(ends, found.expected_t)),
           "mean_cosine_single": dict(zip(ends, single.expected_t)) if single else None}
results.write(p.study, "own_models", vars(p), numbers, [])
