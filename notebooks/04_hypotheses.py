# %% [markdown]
# # 4. The two hypotheses
#
# **Question.** Where networks get more alike as they get wider, is that because the directions of one width *concentrate*,
# because all widths point towards *one* mean direction, or both? And if both, what do narrow networks tell about a wide
# one?
#
# **What the paper says** {cite:p}`wang2024great`.
# *H1*: the directional gradients of a family concentrate as the width $k$ grows: their spherical variance falls.
# *H2*: families of one architecture share almost the same mean direction, whatever $k$.
# *Consequence*: the limit of wide networks can be estimated by the mean of a population of small ones.
#
# The paper's text is not at hand, only its abstract, captions and program. How these quantities are estimated from a
# finite number of networks is this book's choice, and the chapter begins with it.
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
control_family = "cnn-small"
control_widths = None  # two from 8 on, because narrower ones learn no shuffled labels in so many epochs; or the widest
control_seeds = 6
trained_controls = True  # False: only untrained networks stand beside the trained ones
epochs = 20
precision = "float32"
output = "logit"
grid = 8
bootstrap_draws = 500
simulations = 40
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters
from lib.family_widths import by_family

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds",
                                "control_family", "control_widths", "control_seeds", "trained_controls", "epochs",
                                "precision", "output", "grid", "bootstrap_draws", "simulations", "random_seed"])
widths_of = by_family(p.widths, p.families)
parameters.check_widths(widths_of, 3)
parameters.check_among("control_family", p.control_family, "families", p.families)
usual = [k for k in widths_of[p.control_family] if k >= 8][:2]
p.control_widths = p.control_widths or (usual if len(usual) == 2 else widths_of[p.control_family][-2:])
parameters.check_among("control_widths", p.control_widths, "widths", widths_of[p.control_family])

# %%
import warnings

import numpy as np
import pandas as pd
from myst_nb import glue

from lib import data, figures, gates, map_figures, results, salience, similarity, sphere
from lib.chapters import hypotheses_figures
from lib.chapters.alignment_controls import CONTROLS, LABEL_CONTROLS, POPULATIONS
from lib.chapters.hypotheses import H1, H1_EVERY_STEP, H2, PROMISE, RANK_ONE, Family, family_claims, similarity_ratio
from lib.chapters.shared_directions import ACROSS, NEARER, TYPE, Everything, type_claims
from lib.similarity import crossed, mean_directions, rank_one
from lib.similarity.mean_directions import estimates_by_networks
from lib.sphere.saw import von_mises_fisher
from lib.statistics.intervals import bounded, cut, in_brackets
from lib.training.populations import population_grid, test_accuracies
from lib.verdicts import judged

# %% [markdown]
# ## Definitions
#
# For an image $x$ the networks of width $k$ give directions $u$ on the unit sphere. Their *mean direction* is
# $\mu_k(x) = \mathbb E[u] / \lVert \mathbb E[u] \rVert$, their *mean resultant length* $R_k(x) = \lVert \mathbb E[u] \rVert$,
# and with $t = \mu_k(x) \cdot u$ we have $\mathbb E[t] = R_k(x)$. The *spherical variance* is $1 - R_k(x) = 1 - \mathbb E[t]$.
# For two independent networks of widths $k_1$ and $k_2$
#
# $$ \mathbb E[u_1 \cdot u_2] = \mathbb E[t_1]\; \mathbb E[t_2]\; \mu_{k_1}\!\cdot \mu_{k_2} , $$
#
# so that the expected similarity of chapter 3 holds all three: its diagonal is $R_k^2$, and
# $\rho(k_1, k_2) / \sqrt{\rho(k_1, k_1)\, \rho(k_2, k_2)}$ is the cosine of the mean directions.
#
# ## How many networks does it take?
#
# Of $N$ networks the mean direction is known only roughly. Measuring $t$ from a mean that contains the network itself makes
# it too large; leaving that network out makes it too small, because the mean of the others is not quite $\mu$:
#
# $$ \mathbb E[t_\text{own}] \approx \sqrt{R^2 + \tfrac{1 - R^2}{N}}, \qquad
#    \mathbb E[t_\text{out}] \approx \frac{R^2}{\sqrt{R^2 + \tfrac{1 - R^2}{N - 1}}} . $$
#
# The second can be solved for $R$. A third way needs no mean direction at all: the mean cosine of pairs of different
# networks is an unbiased estimate of $R^2$. Planted populations, von Mises-Fisher in as many dimensions as the gradients
# have, show what each makes of a known truth.

# %%
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
channels, size = images.test_images.shape[1:3]
dim = channels * (p.grid or size) ** 2
rng = np.random.default_rng([p.random_seed, 0])
counts = [3, 5, 10, 20, 50, 100]
truths = {f"E[t] = {truth}, d = {dim}": truth for truth in (0.3, 0.7)}
planted = {title: estimates_by_networks(von_mises_fisher(float(sphere.vmf_concentration(truth, dim)), dim), counts, 50,
                                        p.simulations, rng) for title, truth in truths.items()}

# %% mystnb={"image": {"alt": "Two panels, for a scattered and a concentrated planted population, with the estimate of the mean cosine over 3 to 100 networks by five estimators, one line each, and the truth as a thick grey line."}} tags=["hide-input"]
figures.show(hypotheses_figures.estimators(truths, planted, counts),
             f"**Five estimates of E[t], truth known.** Means over {p.simulations} planted populations of {counts[0]} to "
             f"{counts[-1]} networks on n = 50 images each. "
             "Lines: t from a mean that holds the network itself, from the mean of the others, the same corrected, the root of the "
             "mean cosine of pairs, and the mean over images of such roots.")

# %%
pairs_error, corrected_error = (max(float(np.abs(found[name] - truths[title]).max()) for title, found in planted.items())
                                for name in ("pairs", "leave one out, corrected"))
print(f"largest error from 3 networks on: pairs below 0.03: {pairs_error < 0.03}, "
      f"leave one out, corrected, below 0.03: {corrected_error < 0.03}")

# %% [markdown]
# ## The populations
#
# Similarities are those of chapter 3. Networks that other chapters trained with the same parameters are loaded; what is
# missing is trained now.

# %% tags=["nbval-ignore-output"]
populations = population_grid(images, p.families, widths_of, p.seeds, epochs=p.epochs, precision=p.precision)
directions = salience.population_directions(populations, images, output=p.output, grid=p.grid)

# %%
warnings.filterwarnings("ignore", message=".*gradients are zero")  # chapter 3 counts them
by_family = salience.by_family(directions)
rng = np.random.default_rng([p.random_seed, 1])
matrices = {family: crossed.similarity_matrix(populations, rng, p.bootstrap_draws)
            for family, populations in by_family.items()}
families = {family: Family(matrix, widths_of[family]) for family, matrix in matrices.items()}
n_images = matrices[p.families[0]].images
counted = ", ".join(f"{sum(matrix.networks)} {family}" for family, matrix in matrices.items())
print(f"networks: {counted}; test images: {n_images}")

# %% [markdown]
# ## H1: concentration
#
# From here on $\mathbb E[t]$ is the estimate from pairs, $R_k = \sqrt{\rho(k, k)}$. Averaging over images before the root is
# taken makes it a root mean square over images. The table shows how far that and the other estimates differ; the last column
# takes the root at every image first, where the noise of few networks makes it too small.

# %% tags=["nbval-ignore-output"]
estimates = {key: mean_directions.mean_cosine_estimates(u) for key, u in directions.items()}
pd.DataFrame(estimates).T.rename_axis(["family", "k"]).round(3)

# %% mystnb={"image": {"alt": "The spherical variance 1 - E[t] against the width k on a logarithmic axis, one line a family with intervals."}} tags=["hide-input"]
variances = {family: bounded(matrix.interval(lambda rho: 1 - rank_one.resultants(rho)), 0, 1)
             for family, matrix in matrices.items()}
figures.show(figures.by_width(variances, widths_of, "spherical variance 1 − E[t] (dimensionless)"),
             f"**H1.** Spherical variance of the input gradients' directions, with 95 % intervals over networks and images; "
             f"n = {n_images} test images; networks over all widths: {counted}.")

# %% [markdown]
# The claims, with rules that do not depend on this run:

# %% tags=["hide-input"]
results.rules([H1, H1_EVERY_STEP], family="a family")

# %% [markdown]
# Before anything is judged, the networks must have learnt something, and there must be enough of them:

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
results.gates(learnt)

# %% tags=["hide-input", "nbval-ignore-output"]
h1 = family_claims([H1, H1_EVERY_STEP], families, learnt)
results.table(h1)

# %% [markdown]
# ## H2: one mean direction
#
# The plain cosine of two estimated mean directions is too small, the more so the fewer networks there are and the wider they
# scatter. Two ways take that out: the corrected cosine $\rho_{12} / \sqrt{\rho_{11}\, \rho_{22}}$, unbiased part by part, and
# split halves: the cosine of a half of one population with a half of the other, divided by how well halves of one population
# know each other.

# %% mystnb={"image": {"alt": "One heatmap a family of the plain cosine of the mean directions of two widths, with its number in every cell."}} tags=["hide-input"]
raw = {family: np.array([[similarity.mean_direction_cosine(a, b, corrected=False) for b in populations]
                         for a in populations]) for family, populations in by_family.items()}
figures.show(map_figures.heatmaps(raw, widths_of, "raw cosine of mean directions"),
             f"**H2, raw.** Cosine of the estimated mean directions of two widths, mean over n = {n_images} test images; "
             f"networks: {counted}. Too low where few networks scatter widely; the diagonal compares a mean with itself.")

# %% mystnb={"image": {"alt": "One heatmap a family of the corrected cosine of the mean directions of two widths with its number and its interval in every cell."}} tags=["hide-input"]
corrected = {family: matrix.interval(rank_one.cosines) for family, matrix in matrices.items()}
figures.show(map_figures.heatmaps({family: cut(interval, -1, 1) for family, interval in corrected.items()}, widths_of,
                                  "corrected cosine of mean directions"),
             "**H2, corrected for the finite number of networks,** with the 95 % interval. "
             f"n = {n_images} test images; networks: {counted}. What passes 1 by its error is shown as 1.")

# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng([p.random_seed, 2])
halves = {family: mean_directions.split_half_cosines(populations, rng) for family, populations in by_family.items()}
upper = {family: np.triu_indices(len(own), 1) for family, own in widths_of.items()}
pd.DataFrame({family: {
    "lowest raw cosine": raw[family][upper[family]].min(),
    "lowest by split halves": halves[family][upper[family]].min(),
    "lowest corrected": corrected[family][0][upper[family]].min(),
    "largest difference of the last two": np.abs(halves[family] - corrected[family][0])[upper[family]].max(),
    "halves of one population, narrowest": halves[family][0, 0],
    "halves of one population, widest": halves[family][-1, -1],
} for family in p.families}).round(3)

# %% [markdown]
# The paper speaks of one architecture *type*: plain networks of two depths are one, residual ones another. Do their
# families share a mean direction, and those of different types as well? All populations against all others:

# %%
family_of, width_of = zip(*[(family, k) for family, own in widths_of.items() for k in own])
rng = np.random.default_rng([p.random_seed, 3])
everything = Everything(crossed.similarity_matrix([u for populations in by_family.values() for u in populations], rng,
                                                  p.bootstrap_draws), family_of, width_of)

# %% mystnb={"image": {"alt": "Heatmap of the corrected cosines of mean directions of all populations, in blocks of families, the mean of each block written in."}} tags=["hide-input"]
figures.show(map_figures.population_cosines(everything.matrix.interval(rank_one.cosines)[0], family_of, width_of),
             "**Mean directions of all populations.** Corrected cosines; the number in each frame is its mean without the "
             f"diagonal. n = {n_images} test images; networks: {counted}.")

# %% [markdown]
# The claims and their rules. The first is about the widths of one family, the second about two families of one type; the
# other two go beyond the paper.

# %% tags=["hide-input"]
results.rules([H2, TYPE, NEARER, ACROSS], family="a family", families="two families of one type")

# %% tags=["hide-input", "nbval-ignore-output"]
h2 = family_claims([H2], families, learnt) + type_claims(everything, learnt)
h2 += judged([ACROSS], everything, sum(learnt.values(), [])) if len(p.families) > 1 else []
results.table(h2)

# %% [markdown]
# ## Both together: a law of rank one
#
# With H2 the formula above becomes $\log \rho(k_1, k_2) = a(k_1) + a(k_2)$ with $a = \log \mathbb E[t]$: one number a
# width for the whole matrix. It holds image by image; averaged over images a covariance of $R_{k_1}(x)$ and $R_{k_2}(x)$ comes in,
# which the root mean square absorbs as far as images on which one width concentrates are those of the other too.

# %%
single = {family: similarity.by_image(populations) for family, populations in by_family.items()}
per_image = {family: rank_one.explained(rho) for family, rho in single.items()}

# %% mystnb={"image": {"alt": "Left: measured similarities against those of the rank-one law on logarithmic axes with the diagonal line. Right: cumulative shares of the images by the R squared of their own fit, one curve a family."}} tags=["hide-input"]
figures.show(hypotheses_figures.rank_one(matrices, per_image),
             "**The rank-one law.** Left: averages over images with 95 % intervals. Right: fits to single images whose "
             f"similarities are all positive. n = {n_images} test images; networks: {counted}.")

# %% [markdown]
# Single images scatter around the law, but few networks scatter too. If the deviations belonged to the image, two halves of
# the networks would show the same ones. Halves need two networks each: with fewer than four at a width nothing can be told
# (NaN).

# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng([p.random_seed, 4])
law = pd.DataFrame({family: {
    "R² of averages": rank_one.explained(matrices[family].values),
    "r.m.s. residual of averages": rank_one.residual_size(matrices[family].values),
    "share of ρ(k, k) that is covariance over images, widest": 1 - (
        np.nanmean(mean_directions.mean_resultant_length(populations[-1])) ** 2 / matrices[family].values[-1, -1]),
    "images with all similarities positive": np.isfinite(per_image[family]).mean(),
    "median R² of an image": np.nanmedian(per_image[family]),
    "correlation of residuals, halves of the networks": rank_one.repeated_residuals(populations, rng),
} for family, populations in by_family.items()})
law.round(3)

# %% [markdown]
# The share $R^2$ that the law explains says little: where most of the variance of $\log \rho$ comes from
# $\mathbb E[t]$ itself it is near 1 with mean directions at a cosine of 0.8, and where $\rho$ hardly changes it is not
# defined. The rule asks for the residual instead. In planted populations of six networks a width whose residual is the
# threshold itself, it contradicts somewhat more often than one time in forty.

# %% tags=["hide-input"]
results.rules([RANK_ONE], family="a family")

# %% tags=["hide-input", "nbval-ignore-output"]
law_claims = family_claims([RANK_ONE], families, learnt)
results.table(law_claims)

# %% [markdown]
# ## Where does the alignment come from?
#
# Populations of one family, with the same images and recipe; the last three only where `trained_controls` asks for them:
#
# - **trained**: the networks of above;
# - **untrained**: the same networks with their initial weights, BatchNorm's running statistics included;
# - **random labels**: trained on labels that were shuffled once, the same way for all;
# - **same weights**: all start from the same initial weights and differ in the order of the images;
# - **same order**: all see the images in the same order and differ in their initial weights.
#
# What *same weights* and *same order* share is one draw: their intervals say nothing about other initial weights or orders.

# %% tags=["nbval-ignore-output"]
family = p.control_family
names = POPULATIONS if p.trained_controls else POPULATIONS[:2]
controls = [population_grid(images, [family], p.control_widths, {family: p.control_seeds}, epochs=p.epochs,
                            precision=p.precision, control=control)
            for control in ("random-labels", "same-weights", "same-order") if p.trained_controls]
control_directions = [salience.population_directions(grid, images, output=p.output, grid=p.grid) for grid in controls]
own = {(family, k): populations[family, k] for k in p.control_widths}
untrained = salience.population_directions(own, images, output=p.output, grid=p.grid, untrained=True)
zeros = [sum(similarity.zero_counts(found)[family].values()) for found in (untrained, *control_directions)]
print("gradients that are exactly zero, left out of averages:", dict(zip(names[1:], zeros)))

# %%
rng = np.random.default_rng([p.random_seed, 5])
by_control = {k: crossed.similarity_matrix([found[family, k] for found in (directions, untrained, *control_directions)],
                                             rng, p.bootstrap_draws) for k in p.control_widths}

# %% mystnb={"image": {"alt": "Similarity of two networks of one width against the width for five populations, trained, untrained, random labels, same weights and same order, one line each with intervals."}} tags=["hide-input"]
diagonals = np.array([[np.diagonal(part) for part in bounded(by_control[k].interval(), -1, 1)] for k in p.control_widths])
lines = {name: tuple(diagonals[:, part, place] for part in range(3)) for place, name in enumerate(names)}
figures.show(figures.by_width(lines, p.control_widths, "expected similarity ρ(k, k) (cosine)"),
             f"**Controls.** {family}, similarity of two different networks of one width with 95 % intervals over networks and "
             f"images; n = {n_images} test images; {by_control[p.control_widths[0]].networks[0]} networks a width trained and "
             "untrained" + f", {p.control_seeds} in the other populations." * p.trained_controls)

# %% [markdown]
# Do the controls point where the real networks point? Corrected cosines of the mean direction with that of the trained
# population. Where the interval of a population's own similarity reaches zero a mean direction is not established, and its
# cosine would be noise.

# %% tags=["nbval-ignore-output"]
towards = {k: cut(by_control[k].interval(lambda rho: rank_one.cosines(rho)[..., 0, :]), -1, 1) for k in p.control_widths}
by_name = {name: test_accuracies(grid)[family] for name, grid in zip((names[0], *names[2:]), (populations, *controls))}
accuracy = {name: [np.mean(found[k]) for k in p.control_widths] for name, found in by_name.items()}
pd.DataFrame({f"k = {k}": {name: in_brackets([part[i] for part in towards[k]])
                           if lines[name][1][p.control_widths.index(k)] > 0 else "not established"
                           for i, name in enumerate(names) if i} for k in p.control_widths})

# %% tags=["nbval-ignore-output"]
pd.DataFrame(accuracy, index=pd.Index(p.control_widths, name="test accuracy, k")).round(3).T

# %% [markdown]
# The claims, each about all of these widths, with their gates. Networks on shuffled labels cannot be right on the test
# images; they must have learnt some of the labels that were drawn, by their training loss.

# %% tags=["hide-input"]
results.rules([*CONTROLS, *LABEL_CONTROLS], family="a family")

# %% tags=["hide-input", "nbval-ignore-output"]
control_gates = gates.of_families({name: by_name[name] for name in names[3:]}, p.dataset, len(images.classes))
if p.trained_controls:
    losses = [network.train_loss[-1] for k in p.control_widths for network in controls[0][family, k].networks]
    control_gates[POPULATIONS[2]] = [gates.drawn(losses, len(images.classes)),
                                     gates.enough(min(map(len, controls[0].values())))]
results.gates(control_gates)

# %% tags=["hide-input", "nbval-ignore-output"]
redone = [*learnt[family], *(gate for name in names[3:] for gate in control_gates[name])]
controlled = judged(CONTROLS if p.trained_controls else CONTROLS[:1], by_control, redone, family=family)
if p.trained_controls:
    controlled += judged(LABEL_CONTROLS, by_control, [*learnt[family], *control_gates[POPULATIONS[2]]], family=family)
results.table(controlled)

# %% [markdown]
# ## The promise: narrow networks foretell the widest
#
# Only the populations of the smaller widths are used to predict, and the largest is what they are compared with.
#
# - $\mathbb E[t]$ of the widest: a straight line of $\log R_k$ over $\log k$. The power law is inferred from the pictures that
#   the authors released; nothing in the hypotheses asks for it.
# - $\rho(k, k_\text{max}) = R_k R_{k_\text{max}}$ with that prediction, which takes H2 as exact.
# - The widest mean direction: the plain mean of the unit gradients of all smaller networks, with all the noise it has. The
#   widest population's mean direction, freed of its own noise, is the truth; a single network of that width has the cosine
#   $R_{k_\text{max}}$ with it.

# %% mystnb={"image": {"alt": "Left: mean cosine E[t] over the width on logarithmic axes with dashed power laws that were fitted without the last point. Right: for each family the cosine of one wide network with the widest mean direction, hollow, and that of the mean of all narrower networks, filled."}} tags=["hide-input"]
figures.show(hypotheses_figures.promise(families),
             f"**From narrow to wide.** 95 % intervals over networks and images; n = {n_images} test images; networks over all "
             f"widths: {counted}.")

# %% [markdown]
# The claims and their rules:

# %% tags=["hide-input"]
results.rules(PROMISE, family="a family", widest="K")

# %% tags=["hide-input", "nbval-ignore-output"]
promised = family_claims(PROMISE, families, learnt)
results.table(promised)

# %% [markdown]
# ## What differs from the paper
#
# - The paper's figures for H1 and H2 are not known here. The quantities are those of its captions; their estimators, the
#   corrections for few networks, the intervals and the rules are this book's.
# - $\mathbb E[t]$ is a root mean square over images; the first table has the mean over images of single roots beside it.
# - The rank-one law, the controls, the comparison across families and the extrapolation are additions. "Mean of a population of
#   small ones" is taken as the plain mean over all smaller networks at hand.
# - The controls are run for one family.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
verdicts = [*h1, *h2, *law_claims, *controlled, *promised]
glue("answer", results.answer(verdicts), display=False)
numbers = {
    "images": n_images, "planted": planted, "estimators": {f"{family} {k}": found for (family, k), found in estimates.items()},
    "variance": {family: dict(zip(("estimate", "low", "high"), interval)) for family, interval in variances.items()},
    "cosine_raw": raw, "cosine_split_half": halves,
    "cosine_corrected": {family: dict(zip(("estimate", "low", "high"), interval)) for family, interval in corrected.items()},
    "cosine_across": everything.matrix.interval(rank_one.cosines)[0],
    "law": law.to_dict(), "controls": {name: dict(zip(("estimate", "low", "high"), part)) for name, part in lines.items()},
    "predicted_over_measured": {family: dict(zip(("estimate", "low", "high"), matrix.interval(
        lambda rho: similarity_ratio(rho, widths_of[family])))) for family, matrix in matrices.items()},
    "control_cosine": {k: dict(zip(("estimate", "low", "high"), part)) for k, part in towards.items()},
    "control_accuracy": accuracy,
}
results.write(p.study, "04_hypotheses", vars(p), numbers, verdicts)
