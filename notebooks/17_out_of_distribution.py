# %% [markdown]
# # 17. What a stitch leaves behind
#
# **Question.** A stitch takes what the front of one network makes of an image into the end of another. It can be fitted
# to the labels (*task loss matching*) or to what the end would have made of the image itself (*direct matching*). Does
# the end receive activations such as it makes itself, or only some that happen to do the job? And do the two scores,
# and indices without a stitch, know which layers correspond, and what a representation can still be used for?
#
# **What the paper says** {cite:p}`balogh2025stitch`. Activations stitched by task loss matching are out of distribution
# for the end, while those of direct matching are in distribution whenever matching is possible (abstract). Direct
# matching behaves like a good structural index across seeds, and stays sensitive to what is lost for the task when a
# representation is cut down to low rank; task loss matching fails the first (a summary written by a program, of medium
# trust). The body of the paper could not be read: its statistics and numbers are not known, and the protocol is that of
# the authors' released program.
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
stitch_family = "resnet-large"
stitch_width = 8
stitch_pairs = 6
epochs = 20
precision = "float32"
point_step = 2  # every second block
matching_images = None  # training images that stitches, detectors and probes see; all that the networks were trained on
matching_epochs = 30
matching_rate = 0.01
detector_epochs = 20
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "stitch_family", "stitch_width",
                                "stitch_pairs", "epochs", "precision", "point_step", "matching_images",
                                "matching_epochs", "matching_rate", "detector_epochs", "random_seed"])
parameters.check_family_widths([p.stitch_family], [p.stitch_width], "stitch_width")

# %%
import torch
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters import out_of_distribution_shown as drawn
from lib.chapters.out_of_distribution import (
    DETECTION,
    DIFFERENCES,
    MATCHED,
    SENSITIVITY,
    SHARES,
    SPECIFICITY,
    STRANGE,
    detection_claims,
    foreign_checks,
    sensitivity_claims,
    specificity_claims,
)
from lib.chapters.out_of_distribution_shown import accuracy_table, checks_table, intervals, scores_table
from lib.models.cut_networks import CutNetwork
from lib.stitching import detection, sensitivity
from lib.stitching.detection import INDICES
from lib.stitching.identification import specificity
from lib.stitching.pair_measures import measured
from lib.training.populations import population_grid, test_accuracies

# %% [markdown]
# ## Pairs of networks
#
# Networks of one family and width that differ in their seed are taken two by two: the first is the front, the second
# the end. No network is in two pairs. The pairs are therefore independent samples, and intervals are Student's over
# pairs (over the ends, where a single network is looked at). Test images are the same for all and are not drawn again.
#
# Stitches start and end at the last of every `point_step` blocks. Direct matching is fitted in closed form on all
# training images, task loss matching trained on them by Adam.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
parameters.check_at_most("matching_images", p.matching_images, len(images.train_labels), "training images")
matched = data.load(p.dataset, n_train=p.matching_images or p.n_train, n_test=p.n_test)
populations = population_grid(images, [p.stitch_family], [p.stitch_width], {p.stitch_family: 2 * p.stitch_pairs},
                              epochs=p.epochs, precision=p.precision)
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
population = populations[p.stitch_family, p.stitch_width]
cuts = [CutNetwork(model) for model in population.models()]
with parameters.about("point_step"):
    points = detection.every(cuts[0].points, p.point_step)
with parameters.about("stitch_pairs"):
    pairs = detection.disjoint_pairs(len(cuts))

# %%
n_images = len(images.test_labels)
print(f"pairs: {len(pairs)} of {p.stitch_family}, k = {p.stitch_width}; layers: {', '.join(points)}; "
      f"test images: {n_images}")

# %% [markdown]
# ## Two detectors
#
# One detector for each end and layer $j$ learns what the end makes of its training images there:
#
# - **Mahalanobis**, the simpler check: the means over positions of all channels. One Gaussian for each class, with a
#   mean of its own and a covariance that all classes share (Ledoit and Wolf's shrinkage). The score is the squared
#   distance from the nearest class mean;
# - **energy** {cite:p}`liu2020energy`: a classifier of the activation, with two hidden layers of 128 units, trained on
#   the labels. It is then fine-tuned so that its energy $E = -\log \sum_c e^{z_c}$ over its logits $z_c$ stays below
#   $m_{in} = -25$ for the end's own activations and above $m_{out} = -7$ for activations of other images,
#
# $$ L = \mathrm{CE} + 0.1 \left( \overline{\max(0, E_{in} - m_{in})^2} +
#    \overline{\max(0, m_{out} - E_{out})^2} \right) . $$
#
# The other images are the training images with shuffled pixels, or blended with as much Gaussian noise. Scored are the
# end's own activations of test images against stitched activations of the same images. **AUROC** is the chance that a
# stitched one scores as stranger: 0.5 in distribution, 1 out of it. Below 0.5 the stitched ones look *more* typical
# than the real ones. Least squares can do that to distances, since it predicts less spread than there is, and training
# on labels to energies, since it may make the classes clearer than they were. They can then be told from the end's own,
# but they are not strange to it: only what lies above 0.5 counts as out of distribution.

# %% tags=["nbval-ignore-output"]
generator = torch.Generator().manual_seed(p.random_seed)
measures = [measured(cuts[front], cuts[end], points, matched, generator, epochs=p.matching_epochs,
                     learning_rate=p.matching_rate, detector_epochs=p.detector_epochs) for front, end in pairs]
found, likeness, truncations = zip(*((one.detection, one.likeness, one.truncated) for one in measures))

# %% [markdown]
# *Checks.* A detector ought to tell the end's own activations of test images from those of training images no better
# than chance (0.5), and to refuse its activations of foreign images, which no detector was trained on (near 1):
# negatives of the test images, and images of uniform noise. Means over layers with 95 % intervals over pairs. What passes
# a detector that does not refuse foreign images may still be strange: claims about it are not tested.

# %% tags=["hide-input", "nbval-ignore-output"]
checks_table(found)

# %% tags=["hide-input", "nbval-ignore-output"]
results.gates(learnt | {name: [check] for name, check in foreign_checks(found).items()})

# %% [markdown]
# ## Are stitched activations strange to the end?

# %% mystnb={"image": {"alt": "Four heatmaps, a row for each detector and a column for task loss and direct matching: AUROC of stitched activations for every source layer, upwards, and target layer, to the right, with the numbers in the cells."}} tags=["hide-input"]
caption = f"n = {n_images} test images, {len(pairs)} pairs of networks."
figures.show(drawn.auroc_heatmaps(found, points),
             f"**Stitched against own activations.** AUROC, mean over pairs. Colours begin at 0.5: activations that look more "
             f"typical than the end's own are not strange. {caption}")

# %% [markdown]
# *FPR at 95 % TPR* is the share of stitched activations that pass for own ones where 95 % of the own do: 0.95 in
# distribution, 0 out of it.

# %% tags=["hide-input", "nbval-ignore-output"]
scores_table(found)

# %% [markdown]
# Direct matching is *possible* to a degree, which its residual tells: the squared distance from what the end makes
# itself, as a share of that one's squared norm. Beside it the share of test images that the stitched networks classify
# rightly.

# %% tags=["hide-input", "nbval-ignore-output"]
accuracy_table(found)

# %% mystnb={"image": {"alt": "Two scatter plots, one for each detector: AUROC over the residual on a logarithmic axis, a point for every pair of networks and of layers; colours and markers tell the two matchings, filled points corresponding layers."}} tags=["hide-input"]
figures.show(drawn.auroc_over_residual(found),
             "**Detected over residual.** A point for every source and target layer of every pair of networks. Dotted: "
             f"the residual {MATCHED:g}, below which direct matching counts as possible, and the AUROC {STRANGE:g}, above "
             f"which activations count as strange; dashed: 0.5, as typical as the end's own. {caption}")

# %% [markdown]
# ## Which layers correspond?
#
# After {cite:t}`ding2021grounding`, an index of similarity ought to respect the structure of networks that differ in
# their seed alone: layers far from each other are unlike, and corresponding ones alike. Two statistics for each pair of
# networks over all pairs of layers $(i, j)$, without a threshold:
#
# - Spearman's rank correlation of how unlike $i$ and $j$ are with $\lvert i - j \rvert$;
# - the chance that the index is larger for two corresponding layers than for two that do not correspond.
#
# The indices: accuracy of both stitches, 1 − residual of the direct one, linear CKA {cite:p}`kornblith2019similarity`,
# 1 − half the orthogonal Procrustes distance, and 1 − the PWCCA distance {cite:p}`morcos2018insights`. All are 1 for
# what is the same, except that the accuracies are then the end's.
#
# As in the released program, the Procrustes distance and PWCCA take every position as a sample where two layers have
# maps of one shape, and the means over positions where they do not. If every layer here has a shape of its own, only
# corresponding layers are compared position by position. The chance of these two indices then compares two kinds of
# numbers, and a low one is no evidence against them.

# %% tags=["nbval-ignore-output"]
by_pair = [specificity(one) for one in likeness]
specific = {name: {index: [one[name][index] for one in by_pair] for index in INDICES}
            for name in ("distance", "identification")}
by_end = [sensitivity.sensitivity(layers) for layers in truncations]
sensitive = {index: [one[index] for one in by_end] for index in INDICES}

# %% mystnb={"image": {"alt": "Two panels of six indices: the rank correlation of each with the distance of layers, and the chance that corresponding layers are more alike than others, with intervals."}} tags=["hide-input"]
figures.show(drawn.index_intervals({
    "rank correlation with layer distance": intervals(specific["distance"], DIFFERENCES),
    "chance that corresponding layers\nare more alike": intervals(specific["identification"], SHARES)}),
    f"**Specificity.** Means with 95 % intervals over pairs. Dashed: an index that knows nothing. {caption}")

# %% [markdown]
# ## What can a representation still be used for?
#
# Each layer of the ends is cut down to its $r$ largest directions: channels are features, positions samples, the mean
# is taken off and put back. Each index compares what is left with the whole; stitches go from the truncated layer into
# the same layer of the same network. A linear probe, logistic regression on the mean over positions, tells what the
# truncated layer can be used for.
#
# Canonical correlations of a truncated representation and the whole are all 1: what is left lies within the whole. An
# index that is the same at every rank foretells nothing, and its rank correlation is set to 0. For PWCCA this is so by
# construction.

# %% mystnb={"image": {"alt": "A panel for each layer: six indices between the truncated and the whole representation over the rank on a logarithmic axis, and the accuracy of the linear probe as a thick dashed black line."}} tags=["hide-input"]
figures.show(drawn.over_rank(truncations),
             f"**Indices over the rank kept.** Means over {len(pairs)} networks. n = {n_images} test images.")

# %% mystnb={"image": {"alt": "The rank correlation of six indices with the accuracy of the linear probe, with intervals."}} tags=["hide-input"]
with_probe = {"rank correlation with the probe's accuracy": intervals(sensitive, DIFFERENCES)}
figures.show(drawn.index_intervals(with_probe),
             "**Sensitivity.** Rank correlation over all ranks and layers of a network; means with 95 % intervals over "
             f"{len(pairs)} networks. Dashed: an index that foretells nothing. n = {n_images} test images.")

# %% [markdown]
# ## Verdicts
#
# All rules are about a mean over pairs, or ends, with its 95 % interval, each claim on its own. An AUROC of 0.75 is
# half-way from a detector that tells nothing to one that tells all. *Whenever matching is possible* is read in two ways:
# where the residual of direct matching on test images is below 0.2, and as a rank correlation with it. Rules of an earlier
# edition counted how far AUROC is from 0.5 on either side, so that activations that look too typical were out of
# distribution; they were replaced by one-sided ones after results had been seen. That direct matching follows the probe at
# all asks for little, since nearly every index rises with the rank as the probe does; the Procrustes distance beside it is
# the index that an earlier comparison favoured.

# %% tags=["hide-input"]
results.rules([*DETECTION, *(row for rows in SPECIFICITY.values() for row in rows), *SENSITIVITY], detector="each",
              short="")

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = [claim for judge, numbers in ((detection_claims, found), (specificity_claims, specific),
                                         (sensitivity_claims, sensitive))
            for claim in judge(numbers, n_images, learnt[p.stitch_family])]
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - The energy detector is a classifier with two hidden layers on the activation (maps larger than 8 × 8 are averaged to
#   that), not a ResNet-18 on maps enlarged to 32 × 32; it is trained for `detector_epochs` on the labels and as many
#   with the energy loss, not 100 and 20. Its learning rate falls after half of the epochs of the fine-tuning; the
#   released program lets it fall after as many batches.
# - Images with shuffled pixels or noise stand in for the 300,000 random images, the training images themselves for
#   CIFAR-5M, and negatives and noise for SVHN. The Mahalanobis detector is an addition.
# - Task loss matching makes a few hundred steps at most by default, at a learning rate of 0.01 in place of 0.001, and
#   without augmentation. Direct matching is fitted on all training images that stitches see (`matching_images`), not on 100.
# - Directions of low rank are those of all these images, not of each batch; stitches and probes see them truncated. The
#   probe is fitted to its end by scikit-learn.
# - The statistics of specificity and sensitivity are chosen here, since the paper's are not known.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
numbers = {"images": n_images, "pairs": pairs, "points": points,
           "residual": {name: [one.residual[name] for one in found] for name in detection.MATCHINGS},
           "accuracy": {name: [one.accuracy[name] for one in found] for name in detection.MATCHINGS},
           "auroc": [one.auroc for one in found], "false_positives": [one.false_positives for one in found],
           "own": [one.own for one in found], "foreign": [one.foreign for one in found], "likeness": likeness,
           "specificity": specific, "sensitivity": sensitive,
           "truncations": [{layer: {"ranks": one.ranks, "likeness": one.likeness, "probe": one.probe}
                            for layer, one in layers.items()} for layers in truncations]}
results.write(p.study, "17_out_of_distribution", vars(p), numbers, verdicts)
