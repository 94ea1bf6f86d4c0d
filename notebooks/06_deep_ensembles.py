# %% [markdown]
# # 6. Deep ensembles
#
# **Question.** Averaging the salience of several networks brings it closer to the mean direction of all networks, and
# so does making one network wider. Is closer also better: does the test loss depend on that closeness, however it is
# reached? And what does an ensemble give for what it costs?
#
# **What the paper says** {cite:p}`wang2024great`. The test loss falls as $\mathbb E[t]$ rises, for single networks of
# different structure and for deep ensembles of different size (its Figs. 9 and 24). How many members its ensembles
# have, and whether logits or probabilities are averaged, is not known here; the paper's text is not at hand.
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
noise = 1.0  # standard deviation, in units of the normalised images; so is main_eps, the step of the attack
main_eps = 0.25
random_seed = 0

# %% tags=["hide-input"]
from lib import ensembles, parameters
from lib.family_widths import by_family, either, middle

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs",
                                "precision", "output", "grid", "noise", "main_eps", "random_seed"])
parameters.check_seeds(p.seeds, ensembles.LEAST)
widths_of = by_family(p.widths, p.families)
narrowest, widest = (either(own[end] for own in widths_of.values()) for end in (0, -1))

# %%
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from myst_nb import glue

from lib import attacks, data, figures, gates, models, results, salience
from lib.chapters import deep_ensembles_figures as drawn
from lib.chapters.compared_ensembles import cost_table
from lib.chapters.deep_ensembles import FAMILY, GAINS, POOLED, TOGETHER, TROUBLED, all_claims, troubled_claims
from lib.ensembles.comparisons import common_sizes, estimates, interval, table
from lib.ensembles.cosines import cosines_by_reading
from lib.ensembles.measures import BINS
from lib.training.populations import population_grid, test_accuracies, train_or_load
from lib.training.specification import specify

# %% [markdown]
# ## Definitions
#
# The salience of an ensemble of $m$ networks is the mean of their unit gradients, $\bar u = \frac1m \sum_i u_i$, and
# $t_m = \mu \cdot \bar u / \lVert \bar u \rVert$ is its cosine with the mean direction $\mu$ of its population. For
# one network $\mathbb E[t_1] = R$, the mean resultant length of chapter 4. The part of $\bar u$ along $\mu$ stays $R$
# on average, what lies across it averages out, so that at one image
#
# $$ t_m \approx \frac{R}{\sqrt{R^2 + (1 - R^2) / m}} . $$
#
# A member must not stand in the mean that it is compared with. All networks that are *not* members have the mean
# $R \mu$ in expectation, however few they are. With $\langle \cdot \rangle$ for the average over images, and over
# ensembles,
#
# $$ \hat t_m = \frac{1}{\sqrt{\rho(k, k)}} \; \Bigl\langle \frac{\bar u}{\lVert \bar u \rVert} \cdot
#    \frac{1}{N - m} \sum_{j \notin \text{members}} u_j \Bigr\rangle
#    \quad \text{estimates} \quad \frac{\langle R \, t_m \rangle}{\sqrt{\langle R^2 \rangle}} $$
#
# without the noise that an estimate of $\mu$ would bring in. This is what $\mathbb E[t]$ means in this chapter. At
# $m = 1$ it is $\sqrt{\rho(k, k)}$, as in chapter 4. If $R(x)$ were the same at all images it would be
# $\langle t_m \rangle$. But $R$ varies: images with a large $R$ weigh more, and for many members $\mathbb E[t]$ tends
# not to 1 but to $\langle R \rangle / \sqrt{\langle R^2 \rangle}$, which is about $1 - s / 8$, where $s$ is the
# variance of $R^2$ over the images divided by its squared mean. **The law** that is drawn below is
# $\langle R^2 / \sqrt{R^2 + (1 - R^2) / m} \rangle / \sqrt{\langle R^2 \rangle}$, the same quantity for independent
# members, to the second order in the deviations of $R^2$. It needs $\langle R^2 \rangle$ and $s$ alone; both are
# measured from single networks without bias, $s$ from products of two pairs with no network in common.
#
# Ensembles of 1, 2, 4, ... networks are drawn without repetition, as long as two networks are left. Where there are
# few sets of $m$ networks each of them is an ensemble; otherwise the networks are put on a circle at random a few times
# and every $m$ neighbours are one. Averages are over all of them.
#
# *Intervals* are a jackknife's over networks: a network is left out of everything at once, as a member, as one of
# those compared with, and in $\rho$. The networks are the samples, however many ensembles they share. The test images
# are fixed: an interval says what other networks would do on these images. Ratios are averaged and judged as
# logarithms. They are not freed of their bias: where a few networks of a population keep to $\mu$ far more closely
# than the rest, six of them can bring $\mathbb E[t]$ over the law a hundredth too high.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
populations = population_grid(images, p.families, widths_of, p.seeds, epochs=p.epochs, precision=p.precision)
directions = salience.population_directions(populations, images, output=p.output, grid=p.grid, keep_dead=True)
scores = salience.population_logits(populations, images)

# %%
rng = np.random.default_rng([p.random_seed, 6])
labels = images.test_labels.numpy()
found = {family: [ensembles.measure(directions[family, k], scores[family, k], labels, rng) for k in widths_of[family]]
         for family in p.families}
n_images = found[p.families[0]][0].images
members = {family: common_sizes(row) for family, row in found.items()}
print("members of an ensemble:", members)
counted = ", ".join(f"{sum(one.networks for one in row)} {family}" for family, row in found.items())
print(f"networks over all widths: {counted}; test images: {n_images}")

# %% [markdown]
# ## The law of ensembles

# %% mystnb={"image": {"alt": "A panel for each family: the mean cosine E[t] of ensembles over the number of members on a logarithmic axis, points with intervals for each width, and the curves of the law."}} tags=["hide-input"]
figures.show(drawn.law_by_members(found, widths_of),
             f"**Ensembles approach the mean direction.** Points: measured, with 95 % intervals over networks; lines: "
             f"the law with the measured mean and spread of $R^2$. Widths are moved sideways, so that their intervals do not hide "
             f"each other. n = {n_images} test images; networks over all widths: {counted}.")

# %% [markdown]
# The mean of unit gradients counts all members alike. An ensemble that averages logits is itself a network. Where the
# salience is that of a logit (`output = "logit"`), its gradient is the mean of the members' gradients with the lengths
# that they have; the gradient of a probability of averaged logits is no such mean. Does that matter? One ensemble of
# each population, the first networks, at the narrowest width and at one that all families have, if there is one:

# %% tags=["nbval-ignore-output"]
warnings.filterwarnings("ignore", message=".*gradients are zero")  # chapter 3 counts them
chosen = {family: sorted({widths_of[family][0], k}) for family, k in middle(widths_of).items()}
readings = {f"{family}, k = {k}": cosines_by_reading(populations[family, k], directions[family, k], images,
                                                          output=p.output, grid=p.grid)
            for family in p.families for k in chosen[family]}
print(f"n = {n_images} test images; no intervals: each is one ensemble, compared with all other networks of its population")
pd.DataFrame(readings).T.astype({"members": int}).rename(columns={
    "members": "members m", "mean unit gradient": "E[t], mean unit gradient",
    "averaged logits": "E[t], gradient of averaged logits"}).style.format(precision=3)

# %% [markdown]
# ## Loss and $\mathbb E[t]$: Figs. 9 and 24
#
# Networks and ensembles of all families and widths in one picture. Cross entropy of an ensemble is that of its
# averaged class probabilities in the upper row, and of the softmax of its averaged logits in the lower one.
#
# Part of what the picture shows is a theorem. Along the dotted lines, from one network to more of the same width,
# $\mathbb E[t]$ rises by the law. The loss falls there whatever the networks are: cross entropy is convex in the logits
# and in the probabilities, so that no average of networks can lose more than its members do on average (Jensen). That
# ensembles have a lower loss, and with it a part of the rank correlation of loss and $\mathbb E[t]$ over all points, could
# hardly fail; both are judged because the paper shows them. What can fail is the accuracy, the relation *between widths*,
# at one number of members, and that ensembles lie on the line of single networks.

# %% mystnb={"image": {"alt": "Two rows of two panels: test loss on a logarithmic axis and accuracy over E[t]. Thick lines with hollow markers join single networks of growing width of each family; dotted lines with filled, growing markers lead from each to its ensembles."}} tags=["hide-input"]
figures.show(drawn.loss_and_accuracy(found),
             f"**The paper's Figs. 9 and 24.** Hollow: averages over single networks, joined over the widths from "
             f"k = {narrowest}, with a dot, to {widest}; filled: ensembles of m networks of one width. "
             f"n = {n_images} test images; networks over all widths: {counted}.")

# %% [markdown]
# ## Logits or probabilities?

# %% mystnb={"image": {"alt": "Two panels over the width: loss of averaged logits minus that of averaged probabilities, and the same for accuracy, one line with intervals for each family, and a line at zero."}} tags=["hide-input"]
shared = min(members.values(), key=len)[-1]
figures.show(drawn.averages(found, widths_of, shared),
             f"**Two averages.** Ensembles of {shared} networks, differences with 95 % intervals over networks; below zero "
             f"the left panel speaks for logits, above zero the right one. n = {n_images} test images; networks over all "
             f"widths: {counted}.")

# %% [markdown]
# ## Calibration
#
# Can the probabilities be trusted? The expected calibration error {cite:p}`guo2017calibration` sorts the images into equal bins of their largest
# class probability and takes, over the $B$ bins with $n_b$ of the $n$ images each,
#
# $$ \mathrm{ECE} = \sum_{b=1}^{B} \frac{n_b}{n} \, \lvert \text{accuracy}_b - \text{mean confidence}_b \rvert . $$
#
# Chance makes it positive even for perfect probabilities. It says nothing of the sign: an ensemble can be more
# accurate than it believes.

# %% mystnb={"image": {"alt": "A panel for each family: expected calibration error over the number of members, for each width a solid line for averaged probabilities and a dashed one for averaged logits, with intervals."}} tags=["hide-input"]
figures.show(drawn.calibration(found, widths_of),
             f"**Calibration of ensembles.** Expected calibration error, B = {BINS}; solid: averaged probabilities, dashed: "
             f"averaged logits; 95 % intervals over networks. n = {n_images} test images; networks over all widths: "
             f"{counted}.")

# %% tags=["hide-input", "nbval-ignore-output"]
pd.DataFrame([{"family": family, "k": k, "members": size} | {
    f"{name} {average}": one.values[f"{name} {average}"][0][place]
    for average in ("logits", "probabilities") for name in ("accuracy", "confidence", "ece")}
    for family, row in found.items() for k, one in zip(widths_of[family], row)
    for place, size in enumerate(one.sizes) if size in (1, one.sizes[-1])]).style.format(
        precision=3, subset=slice("accuracy logits", None)).hide(axis="index")

# %% [markdown]
# ## Noise and attacks
#
# Are ensembles also right on more images where these are harder? Two kinds of changed test images, at one width of each
# family: Gaussian noise on every pixel, and one step of the attack of {doc}`07_black_box_attack` with the gradient of one
# more network of that family and width, trained from the next seed: it is in no ensemble.

# %% tags=["nbval-ignore-output"]
rng_noise = np.random.default_rng([p.random_seed, 7])
noisy = images.test_images + p.noise * torch.from_numpy(rng_noise.standard_normal(images.test_images.shape, np.float32))
middle_of = middle(widths_of)
changed = {"noise": dict.fromkeys(p.families, noisy), "fgsm": {}}
for family, k in middle_of.items():
    source = specify(images, family, k, epochs=p.epochs, precision=p.precision)
    (attacker,) = train_or_load({source: [p.seeds[family]]})[source].models()
    gradients = salience.input_gradients(attacker, images.test_images, images.test_labels, output="probability")
    changed["fgsm"][family] = attacks.fgsm(images.test_images, gradients, eps=p.main_eps)
troubled = {trouble: {family: ensembles.measure(
    directions[family, middle_of[family]],
    salience.population_logits({0: populations[family, middle_of[family]]}, replace(images, test_images=pictures))[0],
    labels, rng_noise) for family, pictures in of_family.items()} for trouble, of_family in changed.items()}

# %% tags=["hide-input", "nbval-ignore-output"]
print(f"accuracy with averaged probabilities; noise of standard deviation {p.noise:g}, attack with eps = {p.main_eps:g}, "
      f"both in normalised units; n = {n_images} test images")
pd.DataFrame([{"images": trouble, "family": f"{family}, k = {middle_of[family]}"}
              | {f"m = {size}": value for size, value in zip(one.sizes, one.values["accuracy probabilities"][0])}
              for trouble, of_family in {"as they are": {family: found[family][widths_of[family].index(k)]
                                                         for family, k in middle_of.items()}, **troubled}.items()
              for family, one in of_family.items()]).style.format(precision=3, na_rep="–").hide(axis="index")

# %% [markdown]
# ## What an ensemble costs
#
# Is an ensemble of small networks where one larger network is? The same points over the number of parameters and over
# the time of training, both of all members together. The number of parameters grows nearly as the square of the width,
# so that four networks of width $k$ have about as many as one of width $2k$: these can be compared directly.
#
# Seconds are the wall time in which these networks were trained on this machine. Where several were trained as one,
# each has its equal part, and how many that are depends on the width: the time of one network need not grow with its
# width. Hence no claim is made about equal time; the table counts how many ensembles have a lower loss than the best
# single network that took no longer, where that is not one of their own members (then they win by the theorem above).

# %%
channels, size = images.test_images.shape[1:3]
price = {
    "trainable parameters": {family: np.array([models.count_parameters(
        family, k, in_channels=channels, image_size=size, num_classes=len(images.classes)) for k in widths_of[family]])
        for family in p.families},
    "training time (s)": {family: np.array([np.mean([network.seconds for network in populations[family, k].networks])
                                            for k in widths_of[family]]) for family in p.families}}

# %% tags=["hide-input", "nbval-ignore-output"]
cost_table(found, *price.values(), widths_of).style.format(precision=3)

# %% mystnb={"image": {"alt": "Test loss above and E[t] below, over trainable parameters on the left and over training time on the right, all but E[t] on logarithmic axes: thick lines of hollow markers for single networks of each family, dotted lines of filled markers for ensembles."}} tags=["hide-input"]
figures.show(drawn.costs(found, price, "probabilities"),
             f"**Small and many, or large and one.** Hollow: single networks, from k = {narrowest}, with a dot, "
             f"to {widest}; filled: ensembles that average probabilities. n = {n_images} test images; networks over "
             f"all widths: {counted}.")

# %% [markdown]
# ## Verdicts
#
# The claims, with rules that do not depend on this run. The loss is judged for all families together too. Averaged
# probabilities are meant where no average is named, and where two averages are judged each has a claim. That an average
# loses less is asked of all families: contradicted means that the other one does. All intervals are over networks, with the
# test images fixed. In planted populations of six networks what ensembles gain, and the pooled correlation over six or ten
# populations, are judged wrongly at most one time in forty, within what 2,000 trials can tell, where nothing is gained or
# ranks do not go together (`tests/test_deep_ensembles.py`).

# %% tags=["hide-input"]
results.rules([POOLED, *GAINS, *FAMILY, *TOGETHER, TROUBLED], family="a family", whose="a family", average="either average",
              largest="the largest m", changed="where they are changed", width="k")

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
results.gates(learnt)

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = all_claims(found, widths_of, learnt) + troubled_claims(troubled, middle_of, learnt)
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - Numbers of members and the average are not known; here 1, 2, 4, ... as far as the networks go, and both averages
#   side by side. That the salience of an ensemble is the mean of unit gradients is inferred; the table above has the
#   other reading.
# - How the paper estimates $\mathbb E[t]$ of an ensemble is not known. Here no member is in the mean that it is
#   compared with, $\mathbb E[t]$ is freed of that mean's noise, and images where networks agree more weigh more.
# - The law, the comparison at equal $\mathbb E[t]$, noise and attacks, calibration and cost are additions.
# - Members of one ensemble have one family and one width. How much room the data set leaves in accuracy stands above,
#   family by family.
# - Intervals hold the test images fixed; those of the chapters on similarity do not.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)

# %% tags=["hide-input", "remove-output"]
numbers = {"images": n_images, "members": members,
           "measures": {family: {name: table(estimates(row), name) for name in ensembles.MEASURES}
                        for family, row in found.items()},
           "t_intervals": {f"{family}, k = {k}": dict(zip(("estimate", "low", "high"), interval(
               [one], lambda rows: rows[0]["t"]))) for family, row in found.items()
               for k, one in zip(widths_of[family], row)},
           "troubled": {trouble: {family: one.values["accuracy probabilities"][0] for family, one in of_family.items()}
                        for trouble, of_family in troubled.items()},
           "averaged_logit_gradient": readings, "price": price}
results.write(p.study, "06_deep_ensembles", vars(p), numbers, verdicts)
