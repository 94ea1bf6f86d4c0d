# %% [markdown]
# # 5. The Saw distribution
#
# **Question.** Take one image and many networks of one width. How closely does each of them point along their common
# mean direction, how does this change with the width, and is there more to the distribution of directions than that?
#
# **What the paper says.** The cosine $t$ of a direction with its mean is far from what unrelated directions would
# give, its distribution moves to larger values as the networks get wider (its Figs. 7 and 8), and the distributions
# of directions belong to a semi-parametric family named after Saw {cite:p}`wang2024great,saw1978family`.
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
output = "logit"
grid = 8
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters
from lib.family_widths import by_family, table

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs",
                                "precision", "output", "grid", "random_seed"])
widths_of = by_family(p.widths, p.families)

# %%
from itertools import pairwise

import numpy as np
import pandas as pd
from myst_nb import glue

from lib import data, figures, gates, results, salience
from lib.chapters import saw_distribution_figures as pictures
from lib.chapters.saw_distribution import FIRST, ORDER, RIGHT_OF_UNIFORM, SHAPE, TRENDS, FirstImage, Populations
from lib.chapters.saw_form import BEYOND_VMF, RICHER, SYMMETRY, Gains, Symmetry
from lib.similarity import mean_directions, shapes, symmetry, zero_counts
from lib.similarity import stochastic_order as order
from lib.similarity.shapes import own_concentration_gain
from lib.sphere.fits import fit_shape
from lib.statistics import intervals
from lib.training.populations import population_grid, test_accuracies
from lib.verdicts import judged

# %% [markdown]
# ## Saw's family
#
# A direction $u$ splits into a part along the mean direction $\mu$ and a part across it,
#
# $$ u = t \, \mu + \sqrt{1 - t^2} \, \mu_\perp , \qquad t = \mu \cdot u . $$
#
# A Saw distribution has the density $\psi(\mu \cdot u)$ on the sphere, up to a constant: it depends on $t$ alone.
# Then $\mu_\perp$ is uniform on the unit sphere across $\mu$ and independent of $t$, and $t$ itself has the density
#
# $$ p(t) \propto \psi(t) \, (1 - t^2)^{(d - 3) / 2} \propto \psi(t) \, P_\text{origin}(t) , $$
#
# where $P_\text{origin}$ is the density of $t$ for unrelated directions, uniform on the sphere in $d$ dimensions.
# Nothing is assumed of $\psi$, which is what makes it semi-parametric: an estimate of $p$ gives $\log \psi = \log p -
# \log P_\text{origin}$. With $\psi(t) = e^{\kappa t}$ it is the von Mises–Fisher distribution.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
populations = population_grid(images, p.families, widths_of, p.seeds, epochs=p.epochs, precision=p.precision)
directions = salience.population_directions(populations, images, output=p.output, grid=p.grid)

# %%
n_images, dim = next(iter(directions.values())).shape[1:]
sizes = {family: sorted({len(directions[family, k]) for k in widths_of[family]}) for family in p.families}
networks = ", ".join(f"{' to '.join(map(str, sizes[family][::max(1, len(sizes[family]) - 1)]))} {family}"
                     for family in p.families)
print("networks at each width:", networks)
print(f"test images: {n_images}; dimensions of a direction: {dim}")

# %% tags=["nbval-ignore-output"]
zeros = zero_counts(directions)
print("gradients that are exactly zero and have no t, of", n_images, "for each network\n"
      + table(zeros).to_string())

# %% [markdown]
# Three things below compare four networks about the mean of others, and so need 5: the symmetry, the concentration of
# single images, and the claim about the shape of $\psi$. Families that have fewer are named here and left out there.

# %%
compared = [family for family in p.families if sizes[family][0] >= 5]
for family in p.families:
    if family not in compared:
        print(f"{family}: fewer than 5 networks at some width; its symmetry and the shape of psi are not judged")

# %% [markdown]
# ## Measuring $t$
#
# The mean direction $\mu_k(x)$ is not known. If a network were compared with a mean that holds the network itself,
# its $t$ would be too large: even unrelated directions would seem to share something. So the $t$ of a network is its
# cosine with the mean direction of the *other* networks of its width. Now it is too small, because the mean of a few
# networks misses $\mu$, and the more so the less the networks agree. The corrected column takes this out of the
# average: it estimates $\mathbb{E}[t] = R$, the mean resultant length.

# %%
t = {family: {k: mean_directions.leave_one_out_cosines(directions[family, k]) for k in widths_of[family]}
     for family in p.families}
means = pd.DataFrame([{"family": family, "k": k, "networks": len(values), "mean t, leave one out": np.nanmean(values),
                       "E[t], corrected": mean_directions.corrected_mean_cosine(np.nanmean(values), len(values)),
                       "s.d. of t": np.nanstd(values)}
                      for family in p.families for k, values in t[family].items()])

# %% tags=["hide-input", "nbval-ignore-output"]
means.style.format(precision=3).hide(axis="index")

# %% [markdown]
# ## One image: Fig. 7
#
# The first test image, every network one value of $t$. Dashed lines cut the networks of a width into tenths, as in
# the paper, which shows one population; all are here.

# %% mystnb={"image": {"alt": "A panel for each family with a row for each width: a histogram of t over the networks at the first test image, a tick for every network and, where there are enough of them, dashed red lines at the deciles."}} tags=["hide-input"]
first = {family: {k: values[:, 0] for k, values in by_width.items()} for family, by_width in t.items()}
figures.show(pictures.first_image(first),
             f"**The paper's Fig. 7.** $t$ of each network at the first test image (ticks), their histogram, each "
             f"scaled to its highest bar, and its deciles where there are at least 10 networks (dashed red); n = 1 test image; "
             f"networks at each width: {networks}.")

# %% [markdown]
# Could unrelated directions look like this? The claim is about the cosines of pairs of networks, which have no mean
# direction in common. Before anything is judged, the networks must have learnt something, and there must be enough of them:

# %% tags=["hide-input"]
results.rules([FIRST], family="a family")

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
results.gates(learnt)

# %% tags=["hide-input", "nbval-ignore-output"]
at_first = {family: FirstImage([directions[family, k][:, 0] for k in widths_of[family]], widths_of[family])
            for family in p.families}
verdicts = [claim for family, one in at_first.items() for claim in judged([FIRST], one, learnt[family], family=family)]
results.table(verdicts)

# %% [markdown]
# ## All images: Fig. 8
#
# $T_k$ mixes the $t$ of all networks of width $k$ at all test images. Its density $p_k$ comes from a kernel estimate,
# and $\log \psi_k = \log p_k - \log P_\text{origin}$ is drawn between the 0.5 % and the 99.5 % point of $T_k$:
# outside there are too few values to tell. The constant is such that $\psi_k$ is 1 on average over uniform
# directions.

# %% mystnb={"image": {"alt": "A row for each family. Left: histograms and densities of t for every width and, dashed, that of uniform directions around zero. Middle: the logarithms of these densities. Right: log psi for every width over the range that has mass."}} tags=["hide-input"]
figures.show(pictures.densities(t, dim),
             f"**The paper's Fig. 8 for all families**, and $\\log \\psi_k$ beside it. Dashed: uniform "
             f"directions in {dim} dimensions. n = {n_images} test images; networks at each width: {networks}.")

# %% [markdown]
# In a unimodal Saw distribution $\psi$ increases. Where $\log \psi_k$ turns upwards to the left instead, networks
# point away from the others' mean more often than unrelated directions would. The deciles go from the 10 % to the 90 %
# point, at every width, and the intervals are a jackknife's over networks, each left out of the mean directions too, and
# over images.

# %% tags=["hide-input"]
results.rules([SHAPE], family="a family")

# %%
cosines = {family: [order.cosines(directions[family, k]) for k in widths_of[family]] for family in p.families}

# %% tags=["hide-input", "nbval-ignore-output"]
families = {family: Populations(row, widths_of[family]) for family, row in cosines.items()}
verdicts += (found := [claim for family, one in families.items()
                       for claim in judged([SHAPE], one, learnt[family], family=family)])
results.table(found)

# %% [markdown]
# ## A form for $\psi$
#
# The paper's form of $\psi$, if it has one, is not known. Three are fitted here by maximum likelihood: the
# exponential, $\psi = e^{\kappa t}$, and two with a second parameter that bends $\log \psi$ and that hold the
# exponential as a special case or a limit: the quadratic exponential, $\psi = e^{a t + b t^2}$, and the power, $\psi
# = (1 - \lambda t)^{-s / \lambda}$ with the slope $s$ of $\log \psi$ at $t = 0$.

# %%
SHAPES = ("exponential", *RICHER)
fitted = {(family, k): [fit_shape(name, t[family][k], dim) for name in SHAPES]
          for family in p.families for k in widths_of[family]}

# %% tags=["hide-input", "nbval-ignore-output"]
values = pd.DataFrame([{"family": family, "k": k} | {f"{one.name}: {name}": value for one in fit
                                                     for name, value in one.parameters.items()}
                       for (family, k), fit in fitted.items()])
values.style.format({"power: lambda": "{:.4f}"}, precision=2).hide(axis="index")

# %% mystnb={"image": {"alt": "A panel for the narrowest and one for the widest networks of every family: the kernel estimate of log p as a thick grey line and three fitted curves, dashed, dotted and solid."}} tags=["hide-input"]
ends = {f"{family}, k = {k}": (t[family][k], fitted[family, k]) for family in p.families
        for k in (widths_of[family][0], widths_of[family][-1])}
figures.show(pictures.fitted_shapes(ends),
             f"**Fitted shapes** of the narrowest and the widest networks, over the range that holds 99 % of the "
             f"values. n = {n_images} test images; networks at each width: {networks}.")

# %% [markdown]
# The search for $\lambda$ ends at $\pm 0.9999$. A quadratic exponential that bends upwards also rises at negative
# $t$; with a little mass there, far from all data, its variance is large enough, and so it can lie below the kernel
# estimate on both sides of the peak.
#
# More parameters always fit better, so the shapes are compared on what they have not seen: fitted to some of the
# networks at some of the images, and scored by the log density of $t$ of the other networks at the other images.
#
# A richer shape can win for a plain reason. $T_k$ mixes images on which networks agree well with images on which they
# do not. If $t$ at each single image were von Mises–Fisher, with its own $\kappa(x)$, the mixture would still be
# wider than the exponential of its mean. To see how far this goes, every network is also scored by a von Mises–Fisher
# law with the $\kappa(x)$ of the image, estimated from the other networks and drawn towards the average as far as it
# is uncertain; its gain is over one $\kappa$ for all images, estimated the same way. Where that gain is as large as
# those of the richer shapes, their $\psi$ describes the mixture of images and need not be the shape at any one of
# them.
#
# It can also win for a reason that lies in the measurement. If networks deviate from $\mu$ along few axes only, the
# error of an estimated $\mu$ lies along the same axes, and $t$ measured from it is spread more widely than the true
# one. So a control runs along, planted populations of the same size with the same $\mathbb{E}[t]$, an exponential
# $\psi$, and $\mu_\perp$ uniform in as many dimensions as it effectively has (measured below). What a shape gains there it
# gains for this reason alone.

# %%
rng = np.random.default_rng(p.random_seed)
scores = {family: [shapes.held_out(directions[family, k], rng, shapes=SHAPES, folds=3) for k in widths_of[family]]
          for family in p.families}
exponential = {family: [shapes.held_out(symmetry.with_exponential_cosines(directions[family, k], rng), rng,
                                        shapes=SHAPES, folds=3) for k in widths_of[family]] for family in compared}
gains = {family: {name: [score[name] - score["exponential"] for score in scores[family]]
                  for name in RICHER} for family in p.families}
for family in compared:
    gains[family]["the better of both where ψ is exponential"] = [
        max((score[name] - score["exponential"] for name in RICHER), key=np.nanmean)
        for score in exponential[family]]
    gains[family]["own κ(x) of each image"] = [own_concentration_gain(directions[family, k]) for k in widths_of[family]]
gain_intervals = {family: {name: tuple(np.transpose([intervals.crossed_interval(gain) for gain in by_width]))
                           for name, by_width in named.items()} for family, named in gains.items()}

# %% mystnb={"image": {"alt": "A panel for each family: the gain in nats per direction over the exponential shape against the width, for the quadratic exponential, the power, the better of them on a control population, and a concentration for each image, with intervals and a line at zero."}} tags=["hide-input"]
figures.show(pictures.gains(gain_intervals, widths_of),
             f"**Gain over von Mises–Fisher** on networks and images that were held out, with 95 % intervals over "
             f"networks and images. n = {n_images} test images; networks at each width: {networks}.")

# %% [markdown]
# The claim is about the gains less those of the control. Because the better of two shapes may be taken, the interval of
# each is one of 97.5 %.

# %% tags=["hide-input"]
results.rules([BEYOND_VMF], family="a family")

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts += (found := [claim for family in compared
                       for claim in judged([BEYOND_VMF], Gains(scores[family], exponential[family]), learnt[family], family=family)])
results.table(found)

# %% [markdown]
# ## Stochastic order
#
# That the mean of $t$ grows is one thing. $T_{k'}$ lies to the right of $T_k$ as a whole, it is *stochastically
# larger*, when $P(T_{k'} > q) > P(T_k > q)$ for every threshold $q$. Claims for each family look at 19 thresholds from
# the 5 % to the 95 % point: of both populations of a step together, and of $T_k$ and of $P_\text{origin}$.
# Networks and images are both samples, and both populations are compared on the same images. The mean
# of the others takes more from $t$ where networks agree less, so a step is somewhat larger in the measured $t$ than
# in the exact one; it makes no step where the two populations are alike.

# %% tags=["hide-input"]
results.rules([ORDER, RIGHT_OF_UNIFORM, *TRENDS], family="a family")

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts += (found := [claim for family, one in families.items()
                       for claim in judged([ORDER, RIGHT_OF_UNIFORM, *TRENDS], one, learnt[family], family=family)])
results.table(found)

# %% mystnb={"image": {"alt": "A panel for each family: the change of the probability that t exceeds a threshold, over the threshold, one line with a band for each step to the next width, and a line at zero."}} tags=["hide-input", "nbval-ignore-output"]
steps = {family: [(q := order.bulk(a.t, b.t), order.rise(a, b, q)) for a, b in zip(row, row[1:])]
         for family, row in cosines.items()}
figures.show(pictures.order(steps, widths_of),
             f"**Steps to the right.** Change of $P(T > q)$ from each width to the next with pointwise 95 % intervals. "
             f"n = {n_images} test images; networks at each width: {networks}.")

# %% [markdown]
# ### Image by image
#
# Does $t$ rise at single images too? If two populations had one law, their networks could change places. At every
# image the difference of the mean $t$ is compared with that of all, or of many random, exchanges of networks, the
# mean directions computed anew for each. A plain rank test would find too much, because all $t$ of a population share
# one estimate of the mean direction. Among so many tests the false discovery rate is held at 5 % (Benjamini and
# Yekutieli, for tests that depend on each other).
#
# Few networks cannot show much here. The smallest p-value that 6 against 6 networks allow is 1/924, and a discovery
# needs many images that reach it; the table says how many. The share of images below 5 %, which chance alone would
# make at most 5 %, shows the tendency where no single image can be named. Images without a direction in some network are left
# out.

# %%
tests = []
for family in p.families:
    for a, b in pairwise(widths_of[family]):
        pair = directions[family, a], directions[family, b]
        rises, falls = order.exchange_test(*pair, rng)
        count, least = int(np.isfinite(rises).sum()), order.smallest_p(*map(len, pair))
        tests.append({"family": family, "step": f"{a} → {b}", "images": count,
                      "rises found": order.discoveries(rises), "falls found": order.discoveries(falls),
                      "rise, p ≤ 0.05": float(np.mean(rises[np.isfinite(rises)] <= 0.05)) if count else None,
                      "fall, p ≤ 0.05": float(np.mean(falls[np.isfinite(falls)] <= 0.05)) if count else None,
                      "smallest p": least, "images needed at it": order.fewest_discoveries(least, count)})

# %% tags=["hide-input", "nbval-ignore-output"]
pd.DataFrame(tests).style.format({"rise, p ≤ 0.05": "{:.1%}", "fall, p ≤ 0.05": "{:.1%}", "smallest p": "{:.2g}"},
                                 na_rep="–").hide(axis="index")

# %% [markdown]
# ## Is the distribution symmetric about its mean?
#
# All of this looked at $t$. A Saw distribution also says that $\mu_\perp$ is uniform: networks that differ from the
# mean direction do so in every direction across it alike. Two independent uniform directions in $d - 1$ dimensions
# have a mean squared cosine of $1 / (d - 1)$. If networks differ along few axes only, it is larger, and its inverse
# is an effective dimension.
#
# The estimate of $\mu$ is imperfect and its error would put the same vector into every network's $\mu_\perp$.
# Therefore the *differences* of two networks are compared, two pairs of four different networks, both made orthogonal
# to the mean direction of all the others: the error cancels in a difference, and under symmetry differences are as
# uniform as the networks. The expectation $1 / (d - 1)$ is then exact for a known $\mu$, whatever the law of $t$. As
# a check the same pipeline runs over populations that were made symmetric, with the measured $t$ and a new uniform
# $\mu_\perp$.

# %% tags=["hide-input"]
results.rules([SYMMETRY], family="a family")

# %%
alignment = {family: [symmetry.alignment(directions[family, k], rng) for k in widths_of[family]] for family in compared}
dimensions = {family: tuple(np.transpose([symmetry.effective_dimension(one, dim) for one in row]))
              for family, row in alignment.items()}
made_symmetric = {family: [symmetry.effective_dimension(symmetry.alignment(
    symmetry.symmetrised(directions[family, k], rng), rng), dim)[0] for k in widths_of[family]] for family in compared}

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts += (found := [claim for family in compared
                       for claim in judged([SYMMETRY], Symmetry(alignment[family], widths_of[family]), learnt[family], family=family)])
results.table(found)

# %% mystnb={"image": {"alt": "The effective dimension of the part across the mean against the width, a line with intervals for each family, a dashed line at d minus one, and hollow markers for populations that were made symmetric."}} tags=["hide-input", "nbval-ignore-output"]
if compared:
    figures.show(pictures.symmetry(dimensions, made_symmetric, widths_of, dim),
                 f"**How many ways to differ.** Effective dimension of $\\mu_\\perp$ with 95 % intervals over networks "
                 f"and images; dashed: $d - 1 = {dim - 1}$, symmetry; hollow: the same for populations made symmetric. "
                 f"n = {n_images} test images; networks at each width: {networks}.")

# %% [markdown]
# What rests on symmetry, and what does not? The mean direction, $\mathbb{E}[t] = R$ for the cosine with it, and the
# product formula $\mathbb{E}[u_1 \cdot u_2] = R_1 R_2 \, \mu_1 \cdot \mu_2$ follow from the definition of the mean
# alone. So do the law of $t$, its order in $k$ and the comparison with $P_\text{origin}$. Reading $\psi$ as the
# density of *directions* needs symmetry: without it $\psi$ describes how far from their mean networks point, not
# where to.

# %% [markdown]
# ## What differs from the paper
#
# - The paper's kernel bandwidth and its form of $\psi$, if any, are not known. Here the bandwidth is Silverman's,
#   0.9 times the smaller of the standard deviation and the interquartile range / 1.34, times $n^{-1/5}$, with what
#   would leave $[-1, 1]$ reflected back, and there are three forms of $\psi$.
# - How many networks and images the paper's Figs. 7 and 8 hold is not known, nor whether a network counts in the mean
#   that it is compared with. Here it does not. That $T_k$ mixes all test images is inferred.
# - The measured $t$ carries the error of an imperfect mean direction, so that $\psi_k$ is that of the measured $t$.
# - Digits on a grid of 8 have $d = 64$; the authors' program has $d = 192$. $P_\text{origin}$ is wider in fewer
#   dimensions.
# - The paper shows no test of the order, of the shapes or of symmetry, as far as is known. Those here are ours.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
numbers = {"images": n_images, "dimensions": dim, "zero_gradients": zeros, "means": means.to_dict("records"),
           "fitted": {f"{family}, k = {k}": {one.name: one.parameters for one in fit}
                      for (family, k), fit in fitted.items()},
           "gains": {family: {name: dict(zip(("estimate", "low", "high"), interval))
                              for name, interval in named.items()} for family, named in gain_intervals.items()},
           "image_tests": tests,
           "effective_dimension": {family: dict(zip(("estimate", "low", "high"), interval))
                                   for family, interval in dimensions.items()},
           "effective_dimension_symmetric": made_symmetric}
results.write(p.study, "05_saw_distribution", vars(p), numbers, verdicts)
