# %% [markdown]
# # 10. Released models
#
# **Question.** The authors released six networks that they had trained on CIFAR-10. Do this book's programs find in
# them what the authors' own pictures show?
#
# **What there is.** With their program {cite:p}`wang2024great` the authors released `cnn-small` networks of the widths
# 8, 12, 16, 20, 32 and 40, one of each, and two pictures made from 17 such networks, of widths 8 to 128: the individual
# similarity of every pair, as in the paper's Fig. 2, and the attack ratio, as in its Fig. 25. There are no numbers
# beside the pictures; here they are read back through the colours.
#
# **What it shows here.**
#
# ```{glue:md} answer
# :format: myst
# ```
#
# Nothing is trained in this chapter. The networks (MIT licence, (c) 2025 Yipei Wang) and the images (A. Krizhevsky,
# *Learning multiple layers of features from tiny images*, 2009) are no part of the project: the chapter needs them on
# the reader's machine, and where they are not, this page shows the outputs that the project keeps.

# %% tags=["hide-input", "parameters"]
study = "mine"
checkpoints = "../shared/data/authors_checkpoints"
pictures = "../shared/data/cifar10.zip"
images = 1000
output = "logit"
grid = 8
main_eps = 0.05
bootstrap_draws = 500
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "checkpoints", "pictures", "images", "output", "grid", "main_eps",
                                "bootstrap_draws", "random_seed"])
checkpoint_folder = parameters.located("checkpoints", p.checkpoints, "a folder of PyTorch state dicts")
picture_place = parameters.located("pictures", p.pictures, "a folder or zip archive with test/CLASS/FILE")

# %%
import numpy as np
import pandas as pd
import torch
from IPython.display import display
from myst_nb import glue
from scipy.stats import binomtest

from lib import attacks, data, figures, gates, map_figures, results, salience, similarity
from lib.attacks import one_step
from lib.chapters import released_models as chapter
from lib.chapters import released_pictures
from lib.data import pictures as folders
from lib.models import architectures
from lib.released import heatmaps, networks
from lib.similarity import rank_one
from lib.statistics.sample import resampled_means
from lib.verdicts import verdicts_by

# %% [markdown]
# ## Networks and images
#
# The test images are drawn at random from all that there are. The program takes the *first* 256 of the original test
# set. Folders of pictures do not keep its order, so that the very same images cannot be taken: here are random ones of
# the same test set, and how far one random sample may lie from another is counted below. A network's outputs stand for
# the classes in alphabetical order, which is CIFAR's own.

# %%
rng = np.random.default_rng(p.random_seed)
with parameters.about("pictures"):
    split = folders.find(picture_place, "test")
with parameters.about("images"):
    chosen = folders.subset(split.labels, p.images, rng)
with parameters.about("pictures"):
    pixels = split.decode(chosen, colour=True)  # the networks take three channels, of grey pictures as well
test_images, test_labels = data.normalised(pixels, networks.MEAN, networks.STD), split.labels[chosen]
parameters.check_grid(p.grid, *pixels.shape[1:3])
print(f"{len(chosen)} of {len(split.files)} test images, {pixels.shape[2]} x {pixels.shape[3]} pixels, "
      f"{len(split.classes)} classes: {', '.join(split.classes)}")

# %% [markdown]
# Files are read as weights alone; code in them is never run. What a network is follows from the names and sizes of its
# layers, which must all be there and fit.

# %%
with parameters.about("checkpoints"):
    released = networks.load_folder(checkpoint_folder, in_channels=pixels.shape[1], image_size=pixels.shape[2],
                                    num_classes=len(split.classes))
    family = networks.one_family(released)
models, widths = [one.model for one in released], [one.width for one in released]
counted = f"n = {len(chosen)} test images, {len(widths)} networks, one a width"
print("left aside:", ", ".join(path.name for path in networks.checkpoint_files(checkpoint_folder)[1]) or "nothing")
pd.DataFrame({"file": [one.name for one in released], "family": [one.family for one in released], "width k": widths,
              "weights": [sum(part.numel() for part in model.parameters()) for model in models]})

# %% [markdown]
# The authors' pictures are compared if they lie beside the networks and were made with the settings of this run:

# %%
whole_pictures = {}
for name, settings in ((heatmaps.SIMILARITY, {"output": p.output, "grid": p.grid}),
                       (heatmaps.ATTACK, {"eps": p.main_eps})):
    whole_pictures[name], sentence = heatmaps.comparable(name, checkpoint_folder, widths, family=family, **settings)
    print(sentence)
similarity_picture, attack_picture = (None if reading is None else reading.select(widths)
                                      for reading in whole_pictures.values())

# %% [markdown]
# ## Accuracy
#
# The authors released no accuracies to compare with. The bars are Wilson's 95 % intervals.

# %% tags=["nbval-ignore-output"]
gradients = {kind: one_step.gradients(models, test_images, test_labels, kind)
             for kind in dict.fromkeys([p.output, "logit", "probability"])}
before, after = one_step.attack_all(models, gradients["probability"], test_images, test_labels, p.main_eps)
right = resampled_means(before.right.T.astype(float), rng, p.bootstrap_draws)
wilson = [binomtest(int(count), len(chosen)).proportion_ci(method="wilson") for count in before.right.sum(1)]
accuracy = right.values, np.array([part.low for part in wilson]), np.array([part.high for part in wilson])

# %% mystnb={"image": {"alt": "Accuracy of the released networks over their width, a line with intervals."}} tags=["hide-input"]
figures.show(chapter.over_width({family: (widths, accuracy)}, "accuracy (share of test images)"),
             f"**Accuracy of the released networks,** with 95 % intervals; {counted}.")

# %% [markdown]
# ## Individual similarity
#
# As in {doc}`03_individual_similarity`: the mean cosine over images of two networks' gradients of the true class's
# score, each colour channel averaged over a coarse grid first,
#
# $$ \rho_\text{ind}(f_1, f_2) = \frac{1}{n} \sum_{x} u_1(x) \cdot u_2(x) , \qquad u = g / \lVert g \rVert . $$
#
# There is one network a width, so images are the only sample: they are drawn again for the intervals (a bootstrap).
# **The intervals do not cover other seeds**: how another network of the same width would do, they cannot say.

# %%
directions = np.stack([salience.directions(part, grid=p.grid).numpy() for part in gradients[p.output]])
print("gradients that are exactly zero and are left out:", int((~directions.any(2)).sum()), "of",
      directions.shape[0] * directions.shape[1], "- dimensions:", directions.shape[2])
sizes = {"in_channels": pixels.shape[1], "image_size": pixels.shape[2], "num_classes": len(split.classes)}
drawn_weights = torch.Generator().manual_seed(p.random_seed)
untrained = [architectures.initialise(architectures.build(family, width, **sizes), drawn_weights).eval()
             for width in widths for _ in range(2)]
of_untrained = one_step.gradients(untrained, test_images, test_labels, p.output)
chance = similarity.chance_band([np.stack([salience.directions(part, grid=p.grid).numpy() for part in of_untrained])])
print(f"95 % of pairs of {len(untrained)} untrained networks of the same widths: {chance[0]:.4f} to {chance[1]:.4f}")
cosines = similarity.by_image(directions[:, None])  # a population of one network a width
rho = resampled_means(cosines, rng, p.bootstrap_draws)

# %% mystnb={"image": {"alt": "Heatmaps of the individual similarity of the released networks over widths k1 and k2: this book's numbers with their interval in every cell; where the released picture is compared, its numbers in a second heatmap."}} tags=["hide-input"]
panels, beside = {chapter.HERE: rho.interval()}, ""
if similarity_picture is not None:
    panels[chapter.PICTURE] = similarity_picture.values
    beside = f" The picture: the first {heatmaps.IMAGES} test images."
figures.show(map_figures.heatmaps(panels, widths, "individual similarity (cosine)"),
             f"**Fig. 2 on the authors' own networks,** here with the 95 % interval over images; "
             f"{counted}; {p.output}, grid {p.grid}.{beside}")

# %% [markdown]
# The picture, where it is compared, was made from the first 256 images of the test set. What would *any* 256 images of
# it give? The test images at hand are drawn again, and 256 from those; where 95 % of such samples lie, widened by what
# the reading leaves open, is the band in which the picture's number is expected.

# %% tags=["nbval-ignore-output"]
comparisons = {}
if similarity_picture is not None:
    shown = np.isfinite(chapter.pairs(similarity_picture.values))
    comparisons["similarity"] = released_pictures.compare(
        chapter.pairs(cosines)[:, shown], chapter.pairs(similarity_picture.values)[shown],
        chapter.pairs(similarity_picture.resolution)[shown],
        np.array(chapter.pair_names(widths))[shown], heatmaps.IMAGES, rng)
    print(f"standard deviation over samples of {heatmaps.IMAGES} images, mean over pairs: "
          f"{comparisons['similarity'].others.std(0).mean():.4f}")
    display(comparisons["similarity"].table().round(3))

# %% [markdown]
# ## Attack ratio
#
# As in {doc}`07_black_box_attack`: one step against the gradient of the true class's *probability*, at full resolution,
#
# $$ x' = \operatorname{clip}\bigl( x - \varepsilon\, \operatorname{sign} \nabla_x\, p_y(x) \bigr) , \qquad
#    \alpha(f_1, f_2) = \mathbb E_x \left[ \frac{p_y^{f_2}(x')}{p_y^{f_2}(x)} \right] , $$
#
# with $\varepsilon$ in normalised units, from the network $f_1$ to another one, $f_2$; lower is stronger. A few
# images with a tiny clean probability can rule this mean of ratios. The table tells how far, over all pairs.

# %%
print(f"ε = {p.main_eps:g}: {p.main_eps * np.mean(networks.STD):.4f} in pixel values from 0 to 1, "
      f"{p.main_eps * 255 * np.mean(networks.STD):.1f} of 256 grey levels")
outcomes = one_step.resampled(before, after, rng, p.bootstrap_draws)
alpha = outcomes[attacks.MAIN_SUMMARY]

# %% tags=["nbval-ignore-output"]
tail = attacks.tail(attacks.ratios(before, after))
pd.Series(tail).round(3).to_frame("over all attacks")

# %% mystnb={"image": {"alt": "Heatmaps of the attack ratio alpha, source width up the side and target width along the bottom: this book's numbers with their interval, colours ending at 1; where the released picture is compared, its numbers in a second heatmap."}} tags=["hide-input"]
panels, beside = {chapter.HERE: alpha.interval()}, ""
if attack_picture is not None:
    panels[chapter.PICTURE] = attack_picture.values
    beside = f", and in the picture, of the first {heatmaps.IMAGES} test images, all numbers do"
figures.show(map_figures.heatmaps(panels, widths, "α (ratio of probabilities)",
                                  top=heatmaps.TOP, axes_labels=("target width k2", "source width k1")),
             f"**Fig. 25 on the authors' own networks,** with the 95 % interval over images; "
             f"{counted}; ε = {p.main_eps:g}. Colours end at {heatmaps.TOP:g}{beside}.")

# %% [markdown]
# In the released picture everything above 1 has the colour of 1. For the comparison larger numbers count as 1 here too,
# those of random samples as well. Its axes are labelled the other way round than the paper's caption has it, so both
# readings are tried: which is nearer?

# %% tags=["nbval-ignore-output"]
if attack_picture is not None:
    off = np.isfinite(attack_picture.values)
    ratio = np.moveaxis(attacks.ratios(before, after), -1, 0)[:, off]
    comparisons["attack ratio"] = released_pictures.compare(
        ratio, attack_picture.values[off], attack_picture.resolution[off],
        [f"k = {widths[i]} attacks {widths[j]}" for i, j in np.argwhere(off)], heatmaps.IMAGES, rng,
        top=heatmaps.TOP)
    capped = np.minimum(panels[chapter.HERE][0], heatmaps.TOP)
    for title, theirs in (("row = source", attack_picture.values), ("row = target", attack_picture.values.T)):
        print(f"{title}: root mean square difference {np.sqrt(np.nanmean((capped - theirs)**2)):.2f}")
    display(comparisons["attack ratio"].table().round(3))

# %% mystnb={"image": {"alt": "A panel for each released picture that is compared: a scatter of its numbers over this book's, with bands for random samples of images and the line of equality."}} tags=["hide-input"]
if comparisons:
    figures.show(released_pictures.against_picture(comparisons),
                 f"**Every number beside the picture's.** {counted}; bands: 95 % of random samples of "
                 f"{heatmaps.IMAGES} images, widened by the reading's resolution."
                 + (" Attack ratios above 1 count as 1." if "attack ratio" in comparisons else ""))

# %% [markdown]
# Averages over the other networks, once over the targets and once over the sources. Every cell counts as at most 1, as
# in the released picture; so the lines show less of a heavy tail than there is.

# %% mystnb={"image": {"alt": "Two panels: the attack ratio averaged over targets against the source width, and averaged over sources against the target width, for this book's numbers with intervals and, where it is compared, for the released picture."}} tags=["hide-input"]
ended = alpha.mapped(lambda ratios: np.minimum(ratios, heatmaps.TOP))
means = {}
for name, measure in (("source", chapter.source_means), ("target", chapter.target_means)):
    means[name] = {chapter.HERE: (widths, ended.interval(measure))}
    if attack_picture is not None:
        means[name][chapter.PICTURE] = (widths, (measure(attack_picture.values),) * 3)
figures.show(chapter.attack_means(means["source"], means["target"]),
             f"**Source and target,** every cell at most 1, with 95 % intervals over images; {counted}; "
             f"ε = {p.main_eps:g}.")

# %% [markdown]
# The whole picture has 17 widths on either axis, up to 128. Where it is compared, its averages:

# %% tags=["nbval-ignore-output"]
if attack_picture is not None:
    for name, measure in (("source", chapter.source_means), ("target", chapter.target_means)):
        along = measure(whole_pictures[heatmaps.ATTACK].values)
        print(f"over {name} widths α lies between {along.min():.2f} and {along.max():.2f}, "
              f"standard deviation {along.std():.3f}")

# %% [markdown]
# ## A product of one number a network
#
# If every width shares one mean direction, similarity is a product of two numbers ({doc}`04_hypotheses`),
#
# $$ \rho(k_1, k_2) = \mathbb E[t_{k_1}]\, \mathbb E[t_{k_2}] , \qquad
#    \log \rho_{ij} = a_i + a_j , $$
#
# fitted by least squares over pairs of different widths. The released picture, where it is compared, gives all of its
# 17 widths, and so 136 pairs.

# %% tags=["nbval-ignore-output"]
fits = {chapter.HERE: (widths, rho.values)}
if similarity_picture is not None:
    fits[chapter.PICTURE] = (heatmaps.WIDTHS, whole_pictures[heatmaps.SIMILARITY].values)
law = pd.DataFrame({name: {
    "pairs": len(chapter.pairs(matrix)),
    "r.m.s. residual of the logarithm": rank_one.residual_size(matrix, diagonal=False),
    "R^2 of the logarithm": rank_one.explained(matrix, diagonal=False),
    "r.m.s. residual of rho": np.sqrt(np.mean(chapter.pairs(
        matrix - rank_one.predicted(matrix, diagonal=False)) ** 2)),
    "Spearman's correlation of k1 k2 and rho": chapter.width_order(matrix, ks),
    "exponent b of E[t] ~ k^b": rank_one.growth_exponent(matrix, ks, diagonal=False)}
    for name, (ks, matrix) in fits.items()})
law.round(3)

# %% mystnb={"image": {"alt": "E[t] of single networks over their width: this book's numbers with intervals and, where it is compared, those of the whole released picture."}} tags=["hide-input"]
counted_there = ""
lines = {chapter.HERE: (widths, rho.interval(
    lambda matrix: np.exp(rank_one.coefficients(matrix, diagonal=False))))}
if similarity_picture is not None:
    of_picture = np.exp(rank_one.coefficients(whole_pictures[heatmaps.SIMILARITY].values, diagonal=False))
    lines[chapter.PICTURE] = (heatmaps.WIDTHS, (of_picture,) * 3)
    counted_there = f"; in the picture {len(heatmaps.WIDTHS)} networks and {heatmaps.IMAGES} images"
figures.show(chapter.over_width(lines, "E[t], exp of the fitted a (cosine)"),
             f"**How closely a network keeps to the common mean direction.** {counted}, 95 % intervals over images"
             f"{counted_there}.")

# %% [markdown]
# ## Does it depend on the scalar and on the grid?

# %% tags=["nbval-ignore-output"]
rows = {}
for kind, parts in gradients.items():
    for side in dict.fromkeys([p.grid, 8, 4, None]):
        square = similarity.pairwise(np.stack([salience.directions(part, grid=side).numpy() for part in parts]))
        found = chapter.pairs(square)
        rows[kind, f"{side} x {side}" if side else "full"] = {
            "smallest rho": found.min(), "mean rho": found.mean(), "largest rho": found.max(),
            "Spearman, k1 k2": chapter.width_order(square, widths),
            "R^2, rank one": rank_one.explained(square, diagonal=False)}
sensitivity = pd.DataFrame(rows).T.rename_axis(["output", "grid"])
sensitivity.round(3)

# %% [markdown]
# ## Verdicts
#
# What the networks must have learnt before a claim about them is judged:

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = [gates.learnt(right.values, len(split.classes))]
results.gates({family: learnt})

# %% [markdown]
# A picture decides nothing where random samples of 256 images differ so much that its numbers could hardly be wrong. The
# rules of growth and of rank one are those of {doc}`03_individual_similarity` and {doc}`04_hypotheses`, on what one network
# a width can show; they replaced thresholds for a rank correlation and for $R^2$ after results had been seen.

# %% tags=["hide-input"]
results.rules([chapter.ACCURACY, *chapter.SIMILARITY, *chapter.ATTACKS, *released_pictures.PICTURES.values()],
              chance="so much")

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = [*chapter.accuracy_claims(right, widths, learnt), *chapter.similarity_claims(rho, widths, chance[1], learnt),
            *chapter.attack_claims(alpha, widths, learnt),
            *released_pictures.picture_claims(comparisons, len(widths), learnt)]
results.table(verdicts)

# %% [markdown]
# The rules about attacks again, on summaries that few images do not rule, and on the mean of ratios with every cell at
# most 1, as the picture shows it.

# %% tags=["nbval-ignore-output"]
summaries = verdicts_by(lambda outcome: chapter.attack_claims(outcome, widths, learnt), outcomes)
for claim in chapter.attack_claims(ended, widths, learnt):
    summaries[claim.name]["mean of ratios, at most 1"] = claim.verdict
pd.DataFrame(summaries).T

# %% [markdown]
# ## What differs from the authors' program
#
# - It takes the first 256 test images in their original order; here are random ones of the same test set.
# - It clips attacked images to the range of each batch of 128; here to that of all attacked images.
# - It draws no intervals. Those here are over images, for these networks; one network a width leaves no way to count
#   other seeds, which {doc}`03_individual_similarity` does on networks of this book.
# - The numbers of the pictures were read back through their colours. Above 1 the attack picture shows no difference.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)

# %% tags=["hide-input", "remove-output"]
ends = "estimate", "low", "high"
numbers = {
    "images": len(chosen), "family": family, "widths": widths, "accuracy": dict(zip(ends, accuracy)),
    "similarity": dict(zip(ends, rho.interval())),
    "attacks": {name: dict(zip(ends, outcome.interval())) for name, outcome in outcomes.items()},
    "tail": tail, "rank_one": law.to_dict(),
    "expected_t": {name: {"widths": list(ks), "estimate": found[0]} for name, (ks, found) in lines.items()},
    "sensitivity": {" ".join(row): values for row, values in sensitivity.T.to_dict().items()},
    "pictures": {name: {"places": found.places, "here": found.ours, "picture": found.theirs,
                        "low": found.band()[0], "high": found.band()[1]} for name, found in comparisons.items()},
    "verdicts_by_summary": summaries,
}
results.write(p.study, "10_released_models", vars(p), numbers, verdicts)
