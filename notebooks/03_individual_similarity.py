# %% [markdown]
# # 3. Individual similarity
#
# **Question.** Two networks were trained from different seeds, perhaps at different widths.
# Do they look at the same pixels when they recognise the same image, and does this depend on how wide they are?
#
# **What the paper says.** The similarity of input gradients rises when *either* of the two networks gets wider
# {cite:p}`wang2024great` (its Figs. 2 and 12).
# Networks of one family also have much the same distribution of similarities over images, less so in deeper families,
# which the authors attribute to harder training (its Table 1).
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
bootstrap_draws = 500
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters
from lib.family_widths import by_family, table

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs",
                                "precision", "output", "grid", "bootstrap_draws", "random_seed"])
widths_of = by_family(p.widths, p.families)

# %%
import warnings

import numpy as np
from IPython.display import display
from myst_nb import glue

from lib import data, figures, gates, map_figures, results, salience, similarity
from lib.chapters import individual_similarity_figures as drawn
from lib.chapters.distances_of_networks import DISTANCES, distance_claims, distances_by_width
from lib.chapters.individual_similarity import GROWTH, Growth, growth_claims, steps
from lib.rules import SUPPORTED
from lib.similarity import crossed, network_distances
from lib.statistics.intervals import bounded
from lib.training.populations import population_grid, test_accuracies

# %% [markdown]
# ## Input gradients
#
# The salience of an image $x$ with label $y$ for a network $f$ is the gradient of the network's score of the true class,
# by default its logit, with respect to the pixels, $\nabla_x f_y(x)$.
# Each colour channel is averaged over the areas of a coarse grid, as the authors' program does, and the result $g$ is
# scaled to unit length: only its direction $u = g / \lVert g \rVert$ is compared.
# Images as small as the grid, as the digits are for a grid of 8, are not averaged at all.
#
# Networks that other chapters trained with the same parameters are loaded; what is missing is trained now.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
populations = population_grid(images, p.families, widths_of, p.seeds, epochs=p.epochs, precision=p.precision)
directions = salience.population_directions(populations, images, output=p.output, grid=p.grid)

# %%
networks = {family: sum(len(populations[family, k]) for k in widths_of[family]) for family in p.families}
n_images, dim = next(iter(directions.values())).shape[1:]
print("networks:", ", ".join(f"{count} {family}" for family, count in networks.items()))
print(f"test images: {n_images}; dimensions of a direction: {dim}")

# %% tags=["nbval-ignore-output"]
warnings.filterwarnings("ignore", message=".*gradients are zero")  # this table says it
zeros = table(similarity.zero_counts(directions))
print("gradients that are exactly zero, of", n_images, "for each network; averages leave them out\n"
      + zeros.to_string())

# %% [markdown]
# ## What the gradients look like
#
# Test images of different classes, and the gradients of two networks of the smallest and two of the largest width.
# Orange pixels lower the score of the true class when they get brighter, purple ones raise it.
# The last two columns are the mean directions over all networks of the narrowest and of the widest population.
# In the {doc}`/book/explorer` you pick the image and both networks.

# %% mystnb={"image": {"alt": "Rows of test images with the input gradients of two narrow and two wide networks, and the mean directions of narrow and of wide networks."}} tags=["hide-input"]
family = p.families[0]
narrowest, *_, widest = widths_of[family]
shown = [int(np.flatnonzero(images.test_labels == label)[0]) for label in range(min(4, len(images.classes)))]
narrow, wide = directions[family, narrowest], directions[family, widest]
columns = {f"k = {k}\nseed {populations[family, k].networks[i].seed}": directions[family, k][i]
           for k in (narrowest, widest) for i in (0, 1)}
columns |= {f"mean of\nk = {narrowest}": narrow.mean(0), f"mean of\nk = {widest}": wide.mean(0)}
channels = images.train_images.shape[1]
pictures = {title: salience.as_pictures(column[shown], channels) for title, column in columns.items()}
figure = drawn.gradient_gallery(images.pixel_values(images.test_images[shown]), pictures,
                                [f"class {images.classes[images.test_labels[i]]}" for i in shown])
figures.show(figure, f"**Images and their gradients.** {family}; n = {len(shown)} test images, 2 networks at each of two "
             f"widths, means over {len(narrow)} and {len(wide)} networks; gradients are averaged over the colour channels.")

# %% [markdown]
# ## Single networks: Fig. 2
#
# For two networks the individual similarity is the mean cosine over the $n$ test images,
#
# $$ \rho_\text{ind}(f_1, f_2) = \frac{1}{n} \sum_{x} u_1(x) \cdot u_2(x). $$
#
# Here are the first networks of every width; on the diagonal the first and the second of one width.

# %% mystnb={"image": {"alt": "One heatmap for each family of the similarity of single networks over widths k1 and k2, with its number in every cell."}} tags=["hide-input"]
single = {}
for family in p.families:
    first = np.stack([directions[family, k][0] for k in widths_of[family]])
    second = np.stack([directions[family, k][1] for k in widths_of[family]])
    single[family] = np.where(np.eye(len(first)), similarity.pairwise(first, second), similarity.pairwise(first))
figures.show(map_figures.heatmaps(single, widths_of, "individual similarity (cosine)", top=figures.SIMILARITY),
             f"**The paper's Fig. 2, single networks.** n = {n_images} test images, one network for each width "
             "(two on the diagonal).")

# %% [markdown]
# ## Families: Fig. 12
#
# A single pair of networks carries the accidents of two seeds. The expected similarity of a family averages over all pairs
# of *different* networks,
#
# $$ \rho(k_1, k_2) = \mathbb{E}_{f_1 \in F(k_1),\, f_2 \in F(k_2)}\, \rho_\text{ind}(f_1, f_2), $$
#
# so that a network never meets itself and the estimate is unbiased for any number of seeds.
# Networks and images are both samples. For the intervals each network is left out in turn and the images are redrawn; a
# Student quantile makes up for few networks.

# %%
rng = np.random.default_rng(p.random_seed)
matrices = {family: crossed.similarity_matrix(row, rng, p.bootstrap_draws)
            for family, row in salience.by_family(directions).items()}

# %% mystnb={"image": {"alt": "One heatmap for each family of the expected similarity over widths k1 and k2 with its number and its interval in every cell."}} tags=["hide-input"]
intervals = {family: matrix.interval() for family, matrix in matrices.items()}
maps = map_figures.heatmaps(intervals, widths_of, "expected similarity ρ(k1, k2) (cosine)", top=figures.SIMILARITY)
figures.show(maps, "**The paper's Fig. 12, row of this data set.** Expected similarity with its 95 % "
             f"interval; the colours end at {figures.SIMILARITY:g} in every study; n = {n_images} test images; networks in all: "
             + ", ".join(f"{count} {family}" for family, count in networks.items()) + ".")

# %% [markdown]
# ## Against chance
#
# How large would these numbers be if networks had learnt nothing? The same networks before their training answer. Two of
# them have nothing in common but the architecture and the images, and every pair of different ones, at one width or at two,
# gives one number; a band holds 95 % of them. It is wider than the $\pm 1.96 / \sqrt{n d}$ of directions that are drawn
# anew at every one of $n$ images in $d$ dimensions: what an untrained network makes of one image it makes of similar ones
# too. A second comparison takes trained networks, but the gradients of two images of different classes.

# %% tags=["nbval-ignore-output"]
untrained = salience.by_family(salience.population_directions(populations, images, output=p.output, grid=p.grid,
                                                              untrained=True))
chance = {family: similarity.chance_band(row) for family, row in untrained.items()}
limit = similarity.chance_limit(n_images, dim)
labels = images.test_labels.numpy()
classes_apart = {family: [similarity.across_labels(u, labels)[np.triu_indices(len(u), 1)].mean()
                          for u in (directions[family, widths_of[family][0]], directions[family, widths_of[family][-1]])]
                 for family in p.families}
for family, (low, high) in chance.items():
    narrow, wide = classes_apart[family]
    print(f"{family}: 95 % of pairs of {sum(map(len, untrained[family]))} untrained networks within {low:.3f} to {high:.3f} "
          f"(directions drawn anew: {-limit:.3f} to {limit:.3f});\n    trained, images of different classes: {narrow:.3f} "
          f"at k = {widths_of[family][0]}, {wide:.3f} at k = {widths_of[family][-1]}")

# %% mystnb={"image": {"alt": "Left: heatmap of the expected similarity of the first family over k1 and k2. Right: the similarity of two networks of one width against the width, one line for each family with intervals, and a grey band for untrained networks."}} tags=["hide-input"]
family = p.families[0]
diagonals = {name: bounded(tuple(np.diagonal(part) for part in interval), -1, 1) for name, interval in intervals.items()}
widest_band = max(chance.values(), key=np.ptp)
trend = drawn.main_result(family, intervals[family][0], diagonals, widths_of, widest_band)
figures.show(trend, f"**The trend.** Left: {family}. Right: all families with 95 % intervals over networks and images; grey: "
             "95 % of the pairs of untrained networks, of the family where they differ most. "
             f"n = {n_images} test images, {sum(networks.values())} networks.")

# %% [markdown]
# ## Does it grow, and by how much?
#
# The matrix is symmetric, so a row of it answers for $k_1$ and a column for $k_2$.
# A *step* is the change of $\rho(k_1, k_2)$ when one width moves to the next larger one and the other stays.
# The claims, with rules that do not depend on this run:

# %% tags=["hide-input"]
results.rules(GROWTH, family="a family", narrowest="k", widest="K", chance="so much")

# %% [markdown]
# An undecided step is one whose interval holds zero: in a family of few networks a small step cannot be told from none.
# Before anything is judged, the networks must have learnt something, and there must be enough of them:

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
results.gates(learnt)

# %% tags=["nbval-ignore-output"]
growth = {family: Growth(matrix, widths_of[family], chance[family]) for family, matrix in matrices.items()}
verdicts = [claim for family in p.families for claim in growth_claims(family, growth[family], learnt[family])]

# %% tags=["hide-input", "nbval-ignore-output"]
results.table(verdicts)

# %% mystnb={"image": {"alt": "One panel for each family: a point with an interval for every step of the similarity matrix to the next width, coloured by the width of the other network, and a line at zero."}} tags=["hide-input", "nbval-ignore-output"]
figures.show(drawn.steps({family: matrix.interval(steps) for family, matrix in matrices.items()}, widths_of),
             f"**Every step.** Change of the expected similarity when one network moves to the next width, the other's width "
             f"given by colour, with pointwise 95 % intervals; n = {n_images} test images, {sum(networks.values())} networks.")

# %% [markdown]
# ## Is one network like the next? Table 1
#
# So far each pair of networks was one number, an average over images. A network $f$ also has a whole distribution of
# cosines over the images, $S(f)$, and two networks of one family may differ in it. The paper's Table 1 measures this by
# the Wasserstein distance: with equally many images it is the mean difference of the sorted cosines,
#
# $$ \mathrm{WD}(S(f_1), S(f_2)) = \frac{1}{n} \sum_{i=1}^{n} \bigl| S(f_1)_{(i)} - S(f_2)_{(i)} \bigr| , $$
#
# at most 2, because cosines lie between -1 and 1. With what the cosines in $S(f)$ are taken is not known here; both
# readings below are inferred:
#
# - **the mean direction of the others**: the cosine of $f$'s direction with the mean direction of the other networks of
#   its population, image by image;
# - **one reference network**: the cosine with the first network of the population; the others are compared. Its
#   intervals hold for this reference.
#
# A mean direction of few networks lowers every cosine, so all populations enter with equally many networks, the first
# $m$ of each, $m$ being the size of the smallest.
# Images on which one of these networks has no direction are left out.
# The null is made of two samples of $n$ cosines drawn independently from all cosines of the population. Their distance
# is not zero, and a table of distances without it would say little. Networks share their images, so if they followed
# one law they would rather stay below it.
#
# The intervals leave out each network in turn, and compute the mean directions of the rest anew; images are held fixed.
# Of simulated populations the interval of a single one holds the truth somewhat less often than 95 %, about nine times
# in ten; averaged over widths it is nearly right. Where two planted families of six networks a width differ equally from
# each other, the order of the two is supported in 1.5 % of 1,000 trials and contradicted in 1.6 %; from a clear
# difference, a scatter of closeness of 0.8 beside 0.05, the first reading finds it in two of three trials, the second in
# two of five (`tests/test_individual_similarity.py`).

# %%
compared = min(map(len, directions.values()))
distances = network_distances.family_distances(directions, rng)
print(f"networks of each population: {compared}; distances with intervals need {network_distances.LEAST_NETWORKS}")
for reading, families in distances.items():
    print(f"{network_distances.READINGS[reading].label}: {len(families[p.families[0]][0].each)} pairs of networks")

# %% tags=["hide-input", "nbval-ignore-output"]
if distances:
    display(network_distances.table(distances, widths_of))

# %% mystnb={"image": {"alt": "Two panels, one for each reading of S(f): the mean distance between networks of one family over the width, a line with intervals for each of the families, and a grey band for two samples of one law."}} tags=["hide-input", "nbval-ignore-output"]
if distances:
    figures.show(distances_by_width(distances, widths_of),
                 f"**The paper's Table 1 as a picture.** Mean distance of two networks, of {compared} in each "
                 f"population ({compared - 1} where one is the reference), with pointwise 95 % intervals over networks; "
                 "band: 95 % of the distances of two samples of one law, over all families; "
                 f"n = {n_images} test images, less those left out.")

# %% [markdown]
# The claims, with rules that do not depend on this run and the gates of above. The order of two families is judged under
# both readings, the rest under the first; with fewer than four networks in a population there are no distances to judge.

# %% tags=["hide-input"]
results.rules(DISTANCES, family="a family", deep="the deeper family", shallow="the shallower one", over="widths",
              reading="what S(f) takes", usual="so much", rare="so much")

# %% tags=["hide-input", "nbval-ignore-output"]
distance_verdicts = distance_claims(distances, widths_of, learnt)
results.table(distance_verdicts) if distance_verdicts else "too few networks for distances with an interval"

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
# The numbers and the figures of the book's first page.
for place, corner in (("narrow", 0), ("wide", -1)):
    glue(f"width-{place}", widths_of[p.families[0]][corner], display=False)
    for part, values in zip(("rho", "low", "high"), diagonals[p.families[0]]):
        glue(f"{part}-{place}", float(values[corner]), display=False)
glue("chance", chance[p.families[0]][1], display=False)
glue("families", len(p.families), display=False)
glue("growing", sum(claim.verdict == SUPPORTED for claim in verdicts if claim.row == GROWTH[0].name), display=False)
glue("answer", results.answer(verdicts + distance_verdicts), display=False)
glue("main-result", trend, display=False)
glue("figure-12", maps, display=False)

# %% [markdown]
# ## What differs from the paper
#
# - Which scalar is differentiated in the paper is not known; the authors' program takes the logit of the true class, and
#   so does this chapter by default. `output` also takes `probability` and `log-probability`.
# - The authors' program looks at the first 256 test images and one network for each width; here are as many images and
#   networks as the captions say, and pairs of different networks only.
# - The paper gives no intervals. Those here are ours.
# - What Table 1 compares is inferred: two readings are shown. Its null and its intervals are ours, and so is the claim
#   that networks differ more than samples of one law.
# - The paper's Fig. 12 and Table 1 have three data sets. This page has one; another comes with `-p dataset`.

# %%
numbers = {"images": n_images, "dimensions": dim, "zero_gradients": zeros.to_dict(),
           "chance_band_untrained": chance, "chance_limit_drawn_anew": limit, "similarity_across_classes": classes_apart,
           "individual": single,
           "expected": {family: dict(zip(("estimate", "low", "high"), interval)) for family, interval in intervals.items()},
           "wasserstein": {reading: {family: [found.each for found in row] for family, row in families.items()}
                           for reading, families in distances.items()}}
results.write(p.study, "03_individual_similarity", vars(p), numbers, verdicts + distance_verdicts)
