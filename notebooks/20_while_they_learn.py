# %% [markdown]
# # 20. While they learn
#
# **Question.** How does the similarity of networks change while they learn? Is there a law of width, training images and epochs, one
# that foretells what was left out of it? And where does the direction of a single network come from: from its initial weights, from
# the order of its images, and how early?
#
# **What there is.** None of the papers shows similarity through training. {doc}`A2_scale` counted images and epochs one at a time;
# {doc}`04_hypotheses` looked at networks with the same initial weights, or the same order of images, at the end. On CIFAR-10 similarity
# was seen to fall with the epochs while it rises with the width; so alignment is not accuracy.
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
widths = {"cnn-small": [2, 4, 8, 16, 32], "resnet-small": [2, 4, 8, 16, 32]}
seeds = {"cnn-small": 6, "resnet-small": 6}
epochs = 20  # the longest training
epoch_counts = [1, 2, 5, 10, 20]
train_counts = [300, 600]  # smaller training sets, where their networks are there
control_family = "cnn-small"
control_widths = [8, 16]
control_seeds = 6
precision = "float32"
output = "logit"
grid = 8
view_images = None  # test images for directions, drawn at random: all
bootstrap_draws = 300
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters
from lib.family_widths import by_family

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs", "epoch_counts",
                                "train_counts", "control_family", "control_widths", "control_seeds", "precision", "output", "grid",
                                "view_images", "bootstrap_draws", "random_seed"])
widths_of = by_family(p.widths, p.families)
parameters.check_widths(widths_of, 2)
parameters.check_epoch_counts(p.epoch_counts, 2)
parameters.check_at_most("epoch_counts", p.epoch_counts, p.epochs, "epochs")
parameters.check_among("control_family", p.control_family, "families", p.families)
p.control_widths = p.control_widths or widths_of[p.control_family][-2:]
parameters.check_among("control_widths", p.control_widths, "widths", widths_of[p.control_family])

# %%
import warnings

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from myst_nb import glue

from lib import data, figures, gates, results, salience
from lib.chapters import while_they_learn as chapter
from lib.chapters import while_they_learn_shown as drawn
from lib.effects import learning, scale
from lib.released import heatmaps
from lib.similarity import crossed, rank_one
from lib.similarity.foretold import design, exponents
from lib.similarity.paired_similarity import own, shared
from lib.statistics.intervals import cut, in_brackets
from lib.verdicts import judged

# %% [markdown]
# ## Moments
#
# The learning rate does not know when training ends, so that a network after 5 epochs *is* the one of 20 epochs on its way. With all
# images its snapshots are those of {doc}`02_populations`; with fewer, those of {doc}`A2_scale`; the controls, those of
# {doc}`04_hypotheses`. What is missing with all images is trained now. Smaller training sets and controls are never trained here:
# where they are not there, the chapter says so and does without.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
n_train, classes = len(images.train_labels), len(images.classes)
parameters.check_train_counts(p.train_counts, n_train, classes)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
parameters.check_at_most("view_images", p.view_images, len(images.test_labels))
warnings.filterwarnings("ignore", message=".*gradients are zero")  # averages leave them out
settings = learning.moments(n_train, p.train_counts, p.epoch_counts)
populations, missing = {}, []
for family, own_widths in widths_of.items():
    requests = scale.specifications(images, family, own_widths, settings, precision=p.precision)
    found, lacking = learning.populations(requests, p.seeds[family], n_train)
    populations, missing = populations | found, missing + lacking

# %% tags=["hide-input", "nbval-ignore-output"]
if missing:
    lacks = {}
    for family, width, setting in missing:
        lacks.setdefault((family, setting.n_train), set()).add(width)
    display(Markdown("Without networks here, and so without a point of the law: " + "; ".join(
        f"{family} with {count} training images at k = {', '.join(map(str, sorted(own)))}"
        for (family, count), own in lacks.items()) + "."))

# %% tags=["nbval-ignore-output"]
viewed = learning.viewed(images, p.view_images)
least = min(gates.TIMES_CHANCE, (classes + 1) / 2) / classes
look = {"output": p.output, "grid": p.grid}
found = learning.learning(populations, viewed, least, [p.random_seed, 20], p.bootstrap_draws, **look)
n_images = found[p.families[0]].groups[0].images
counted = ", ".join(f"{sum(len(table) for table in one.accuracy)} {family}" for family, one in found.items())
print(f"networks: {counted}; moments of each: before training and after {', '.join(map(str, p.epoch_counts))} epochs; "
      f"test images: {n_images}")

# %% [markdown]
# A claim asks, as in every chapter, what the networks have learnt in the end. Here networks are looked at earlier, too. Those that have
# hardly learnt share what all of them see first, and are alike for that reason; a population counts for the law, for the change with
# the epochs and for the difference of the widths only where each of its networks passes the gate of accuracy, five times chance. Where
# that is so:

# %% tags=["nbval-ignore-output"]
pd.DataFrame({(family, f"k = {width}"): {f"{count} epochs": "yes" if one.learnt[place][at] else "no" for at, count in enumerate(one.epochs)}
              for family, one in found.items() for place, width in enumerate(one.widths)}).T

# %% tags=["hide-input", "nbval-ignore-output"]
last = {family: {width: table[:, len(one.epochs) - 1] for width, table in zip(one.widths, one.accuracy)} for family, one in found.items()}
learnt = gates.of_families(last, p.dataset, classes)
results.gates(learnt)

# %% [markdown]
# ## Similarity through training

# %% mystnb={"image": {"alt": "Similarity of two networks of one width, test accuracy and test loss over the epochs on a logarithmic axis, a column for each family, a line with intervals for each width."}} tags=["hide-input"]
figures.show(drawn.through_training(found),
             f"**While they learn.** Similarity with 95 % intervals over networks and images, accuracy and loss over networks. n = "
             f"{n_images} test images for similarities, {len(images.test_labels)} for the others; networks: {counted}.")

# %% [markdown]
# $\mathbb E[t] = \sqrt{\rho(k, k)}$, and how near the mean directions of two different widths are at each moment, on average over all
# pairs of widths (corrected cosine, {doc}`04_hypotheses`):

# %% tags=["nbval-ignore-output"]
rows = {}
for family, one in found.items():
    diagonal = one.similarity_over_epochs()
    for at, count in enumerate(one.epochs):
        t = [np.sqrt(np.maximum(part[:, at], 0)) for part in diagonal]
        rows[family, count] = {f"E[t], k = {width}": in_brackets([part[place] for part in t]) for place, width in enumerate(one.widths)}
expected_t = pd.DataFrame(rows).T.rename_axis(["family", "epochs"])
expected_t

# %% tags=["nbval-ignore-output"]
rows, across = {}, {}
for family, one in found.items():
    for setting in (setting for setting in settings if setting.n_train == n_train):
        rng = np.random.default_rng([p.random_seed, 21])
        u = salience.population_directions({k: populations[family, k, setting] for k in one.widths}, viewed, **look)
        matrix = crossed.similarity_matrix(list(u.values()), rng, p.bootstrap_draws)
        pairs = np.triu_indices(len(one.widths), 1)
        interval = matrix.interval(lambda rho: rank_one.cosines(rho)[..., *pairs].mean(-1))
        across[f"{family} {setting.epochs}"] = interval
        rows.setdefault(family, {})[f"{setting.epochs} epochs"] = in_brackets(cut(interval, -1, 1))
pd.DataFrame(rows).T

# %% [markdown]
# ## When is it decided?
#
# A direction is what all networks of a width share, and the rest: $u = R\, \mu + v$. Two moments $a$ and $b$ of the same networks are
# compared by
#
# $$ \mu_a \!\cdot \mu_b = \frac{\rho_{ab}}{\sqrt{\rho_{aa}\, \rho_{bb}}}, \qquad
#    \operatorname{corr}(v_a, v_b) = \frac{s_{ab} - \rho_{ab}}{\sqrt{(1 - \rho_{aa})(1 - \rho_{bb})}}, $$
#
# where $\rho_{ab}$ is the mean cosine of *different* networks and $s_{ab}$ that of a network with itself. The first tells when the
# direction that all share is decided, the second when that is which sets a network apart; each network has initial weights and an
# order of its own, so that this is an average over as many initialisations.

# %% mystnb={"image": {"alt": "Cosine of the mean direction after each number of epochs with the last one, above, and correlation of what is a network's own with that at the end, below, from before training on; a column for each family, a line with intervals for each width."}} tags=["hide-input"]
figures.show(drawn.decided(found),
             f"**What is decided when.** 95 % intervals over networks and images; n = {n_images} test images; networks: {counted}. Before "
             "training networks share no direction.")

# %% tags=["nbval-ignore-output"]
pd.DataFrame({(family, f"k = {width}"): {
    "own part kept from the initial weights": in_brackets(group.interval(lambda both: own(both)[..., 0, len(one.epochs)])),
    "own part decided by then": in_brackets(group.interval(lambda both: own(both)[..., 1 + chapter.early(one), len(one.epochs)])),
    "shared direction decided by then": in_brackets(cut(group.interval(lambda both: shared(both)[..., 1 + chapter.early(one), len(one.epochs)]), -1, 1)),
} for family, one in found.items() for width, group in zip(one.widths, one.groups)}).T

# %% [markdown]
# In the last two columns, "then" is after a tenth of the epochs.
#
# ### The same weights, the same order
#
# Populations whose networks all start from one draw of weights, or all see the images in one order. Before training the first are one
# network, at a similarity of 1. What they share is one draw: intervals say nothing about other weights or orders.

# %% tags=["nbval-ignore-output"]
more, absent = {}, []
whole = [setting for setting in settings if setting.n_train == n_train]
for control in chapter.CONTROLS:
    requests = scale.specifications(images, p.control_family, p.control_widths, whole, precision=p.precision, control=control)
    there, lacking = learning.populations(requests, p.control_seeds, n_train)
    without = {width for _, width, _ in lacking}
    absent += [f"{control} at k = {width}" for width in sorted(without)]
    if there := {key: one for key, one in there.items() if key[1] not in without}:
        more[control] = learning.learning(there, viewed, least, [p.random_seed, 20], p.bootstrap_draws, **look)[p.control_family]
if absent:
    display(Markdown(f"Without networks of {p.control_family} here, and left out: {', '.join(absent)}."))

# %% mystnb={"image": {"alt": "Similarity of two networks of one width over the epochs for networks with the same initial weights, with the same order of images, and with neither; a panel for each width."}} tags=["hide-input"]
if more:
    figures.show(drawn.controls(found[p.control_family], more),
                 f"**What networks share from the start.** {p.control_family}, 95 % intervals over networks and images; n = {n_images} "
                 f"test images; {p.control_seeds} networks a width with a control.")

# %% [markdown]
# ## A law with few exponents
#
# $$ \rho(k, k; n, e) \approx c\; k^{\,a}\, n^{\,b}\, e^{\,d} $$
#
# with the width $k$, the training images $n$ and the epochs $e$, by least squares of logarithms over all populations that have
# learnt. If only the number of steps mattered, $n e / 128$, $b$ and $d$ would be the same. A term that does not vary here has no
# exponent.

# %% tags=["nbval-ignore-output"]
laws = {family: chapter.Law(one) for family, one in found.items() if sum(passed.sum() for passed in one.learnt) > 4}
rows, fitted = {}, {}
for family, law in laws.items():
    sample, numbers = law.one.points()
    columns, terms = design(numbers)
    interval = sample.interval(lambda rho: exponents(rho, columns))
    fitted[family] = {term: [float(part[1 + place]) for part in interval] for place, term in enumerate(terms)}
    rows[family] = {"populations": len(numbers)} | {f"exponent of the {term}": in_brackets(of) for term, of in fitted[family].items()}
    rows[family] |= {"r.m.s. residual": in_brackets(law.size().interval(0.95), ".3f")}
    rows[family] |= {f"foretold over measured, {place.split(',')[0]}": in_brackets([part[at] for part in law.left_out()[1].interval(0.95)])
                     for at, place in enumerate(law.left_out()[0])}
pd.DataFrame(rows).fillna("–")

# %% mystnb={"image": {"alt": "A panel a family: similarities by the law over measured ones on logarithmic axes with intervals, fitted to all populations, and without the widest, the largest training set and the longest training."}} tags=["hide-input"]
if laws:
    figures.show(figures.against_equality({family: drawn.law_points(law) for family, law in laws.items()},
                                                         "ρ(k, k) (cosine)"),
                 f"**The law and what was left out of it.** 95 % intervals over networks and images of each number by itself; n = "
                 f"{n_images} test images; networks a width: {', '.join(f'{family} {p.seeds[family]}' for family in laws)}. Dotted: 25 % off.")

# %% [markdown]
# One exponent for all widths is much to ask. Those of images and epochs at each width alone, to see where the law fails:

# %% tags=["nbval-ignore-output"]
rows, by_width = {}, {}
for family, one in found.items():
    for place, width in enumerate(one.widths):
        at = np.flatnonzero(one.learnt[place])
        columns, terms = design([(width, one.settings[place][spot].n_train, one.settings[place][spot].epochs) for spot in at])
        if terms and len(at) > len(terms):
            interval = one.similarities(place, at).interval(lambda rho: exponents(rho, columns))
            by_width[f"{family} {width}"] = {term: [float(part[1 + spot]) for part in interval] for spot, term in enumerate(terms)}
            rows[family, f"k = {width}"] = {f"exponent of the {term}": in_brackets(of) for term, of in by_width[f"{family} {width}"].items()}
pd.DataFrame(rows).T.fillna("–")

# %% [markdown]
# ### Where do the authors' pictures lie?
#
# The authors' networks were trained with 50,000 images of CIFAR-10 for 100 epochs ({doc}`A2_scale`). Only a law of `cnn-small` on
# CIFAR-10 can be asked what it foretells for them, and only as far as it holds; otherwise the table is empty.

# %% tags=["hide-input", "nbval-ignore-output"]
rows = []
if p.dataset == heatmaps.DATASET and heatmaps.FAMILY in laws:
    sample, numbers = laws[heatmaps.FAMILY].one.points()
    columns, terms = design(numbers)
    theirs = {"training images": heatmaps.TRAINING_IMAGES, "epochs": heatmaps.EPOCHS}
    reading = heatmaps.read(heatmaps.SIMILARITY).values
    for width, similarity in zip(heatmaps.WIDTHS, heatmaps.own_similarity(reading)):
        at = np.array([1, *(np.log({"width": width, **theirs}[term]) for term in terms)])
        here = sample.interval(lambda rho: np.exp(exponents(rho, columns) @ at))
        rows.append({"width": width, "picture": round(float(similarity), 3), "law": in_brackets(here),
                     "law over picture": in_brackets([part / similarity for part in here])})
        if "epochs" in terms:  # after how many the law has the picture's similarity
            place, found_exponents = 1 + terms.index("epochs"), exponents(sample.values, columns)
            others = np.delete(found_exponents * at, place).sum()
            rows[-1]["epochs by the law"] = f"{np.exp((np.log(similarity) - others) / found_exponents[place]):.0f}"
pd.DataFrame(rows, columns=["width", "picture", "law", "law over picture", "epochs by the law"])

# %% [markdown]
# Width by width, without one law for all: similarity after each number of epochs, the straight line of its logarithm over that of
# the epochs, and what the picture has. What is left between line and star at its epochs is not explained by the time of training.

# %% mystnb={"image": {"alt": "A panel a width: similarity of two networks over the epochs on logarithmic axes with intervals, a dashed line through it to the epochs of the authors, and a star for their picture."}} tags=["hide-input", "nbval-ignore-output"]
beside = {}
if p.dataset == heatmaps.DATASET and heatmaps.FAMILY in found:
    beside = drawn.beside_picture(found[heatmaps.FAMILY], heatmaps.read(heatmaps.SIMILARITY).values)
if beside:
    figures.show(drawn.beside_pictures(found[heatmaps.FAMILY].epochs, beside),
                 f"**Beside the authors' picture.** {heatmaps.FAMILY}, with 95 % intervals over networks and images; dashed: the line "
                 f"through the populations that have learnt enough; star: the picture, after {heatmaps.EPOCHS} epochs; n = {n_images} "
                 f"test images, {p.seeds[heatmaps.FAMILY]} networks a width.")

# %% tags=["hide-input", "nbval-ignore-output"]
pd.DataFrame([[width, round(at.picture, 3), in_brackets(at.foretold), in_brackets(at.ratio), at.explained] for width, at in beside.items()],
             columns=["width", "picture", f"line at {heatmaps.EPOCHS} epochs", "line over picture", "explained by epochs"])

# %% [markdown]
# ## Verdicts
#
# The rules were written before the first run of this chapter, on 27 November 2026. Known were the numbers of chapters 2, 4 and A2, among
# them that on digits similarity rises a little with the epochs and on CIFAR-10 falls.

# %% tags=["hide-input"]
results.rules([*chapter.LEARNING, *chapter.LAW, *chapter.CONTROLS.values()], family="a family")

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = [claim for family, one in found.items() for claim in judged(chapter.LEARNING, one, learnt[family], family=family)]
verdicts += [claim for family, law in laws.items() for claim in judged(chapter.LAW, law, learnt[family], family=family)]
for control, one in more.items():
    gate = gates.of_families({control: {width: table[:, -1] for width, table in zip(one.widths, one.accuracy)}}, p.dataset, classes)[control]
    verdicts += judged([chapter.CONTROLS[control]], chapter.Controlled(found[p.control_family], one),
                       [*learnt[p.control_family], *gate], family=p.control_family)
results.table(verdicts)

# %% [markdown]
# ## What this is not
#
# - A power law of the epochs cannot go on: similarity is at most 1, and training at such a learning rate comes to rest.
# - Widths, images and epochs are small numbers here. What the law says beyond them is a guess that the left-out points make more or less
#   likely.
# - More epochs come with smaller learning rates: the law is about this recipe.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
ends = "estimate", "low", "high"
numbers = {"images": n_images, "epochs": list(p.epoch_counts), "missing": [[family, width, setting.n_train, setting.epochs]
                                                                      for family, width, setting in missing], "absent": absent,
           "similarity": {family: dict(zip(ends, one.similarity_over_epochs())) for family, one in found.items()},
           "accuracy": {family: one.over_epochs(one.accuracy)[0] for family, one in found.items()},
           "loss": {family: one.over_epochs(one.loss)[0] for family, one in found.items()},
           "across_widths": {key: dict(zip(ends, interval)) for key, interval in across.items()},
           "shared": {family: [shared(group.values) for group in one.groups] for family, one in found.items()},
           "own": {family: [own(group.values) for group in one.groups] for family, one in found.items()},
           "controls": {control: dict(zip(ends, one.similarity_over_epochs())) for control, one in more.items()},
           "beside_picture": {width: {"picture": at.picture, **dict(zip(ends, at.foretold))} for width, at in beside.items()},
           "exponents": fitted, "exponents_by_width": by_width, "law": {family: drawn.law_points(law)["fitted"][0][0] for family, law in laws.items()},
           "points": {family: law.one.points()[1] for family, law in laws.items()}}
results.write(p.study, "20_while_they_learn", vars(p), numbers, verdicts)
