# %% [markdown]
# # 15. Do wide and deep networks make the same errors?
#
# **Question.** A deeper and a wider network can be right equally often. Are they right on the same images?
#
# **What the paper says** {cite:p}`nguyen2021wide`, Section 6. The *per-example accuracy* of an image is the share of
# many networks of one architecture that classify it rightly. On CIFAR-10 a hundred each of ResNet-62 (1×) and ResNet-14
# (2×) have the same mean accuracy, yet their per-example accuracies differ more than those of two hundreds of one
# architecture (Figs. 7a, 7b and F.1). Going deeper or wider raises accuracy, mostly of small networks, unevenly over
# images (Figs. F.2 and F.3). On ImageNet 419 of 1000 classes differ at p < 0.05 between a deeper and a wider ResNet-50,
# fifty of each (Figs. 7c and F.4).
#
# **What it shows here.**
#
# ```{glue:md} answer
# :format: myst
# ```
#
# Networks for ImageNet are out of reach here: classes are compared on the data set at hand.

# %% tags=["hide-input", "parameters"]
study = "mine"
dataset = "digits"
n_train = 160  # few by default, so that there are errors to compare
n_test = None  # all images
deep_depth = 26
shallow_depth = 14
shallow_width = 2
wide_epochs = [6, 20]  # tried for the wide architecture, so that it is as good as the deep one
validation_images = 600  # further training images, to choose among them
pair_depths = [14, 26]
pair_widths = [1, 2]
prediction_seeds = 12  # networks an architecture, even
epochs = 20
learning_rate = 0.01
precision = "float32"
permutations = 2000
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "deep_depth", "shallow_depth",
                                "shallow_width", "wide_epochs", "validation_images", "pair_depths", "pair_widths",
                                "prediction_seeds", "epochs", "learning_rate", "precision", "permutations",
                                "random_seed"])
parameters.check_deeper(p.deep_depth, p.shallow_depth)

# %%
import numpy as np
from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters import predictions, predictions_shown
from lib.effects.accuracy_differences import (
    class_accuracy,
    class_differences,
    ladders,
    nearest,
    network_difference,
    steps,
    validation_part,
)
from lib.effects.errors import difference, halves, hits, less_group_means, scores, split_variances, strata
from lib.statistics.intervals import bounded, in_brackets, mean_interval
from lib.training.wide_and_deep import Architecture, architecture_populations

# %% [markdown]
# ## Networks
#
# Residual networks as in {doc}`11_block_structure` (`lib.models.cifar_resnets`, `lib.training.wide_and_deep`). The *deep*
# architecture and the *wide* one are the pair that is compared; the *base* is as shallow as the wide one and as narrow as
# the deep one.

# %% tags=["nbval-ignore-output"]
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
labels, n_images = images.test_labels.numpy(), len(images.test_labels)
deep, wide = Architecture(p.deep_depth), Architecture(p.shallow_depth, p.shallow_width)
base = Architecture(p.shallow_depth)
paths = ladders(p.pair_depths, p.pair_widths, p.shallow_depth)
wanted = dict.fromkeys([deep, wide, base, *(one for path in paths.values() for one in path)])
populations = architecture_populations(images, wanted, p.prediction_seeds, epochs=p.epochs,
                                       learning_rate=p.learning_rate, precision=p.precision)

# %% [markdown]
# ## Equally good on average
#
# The paper chose its pair for equal accuracy: where one architecture is better, the two differ image by image for that
# alone. Here the wide one is trained for fewer or more epochs, and the number after which it is as good as the deep one
# is chosen on *validation images*, training images of the data set that no network of this chapter learnt from. The
# test images have no part in it. Claims about the pair are judged only if the mean accuracies on the validation images
# differ by one point, 0.01, at most.

# %% tags=["nbval-ignore-output"]
with parameters.about("validation_images"):
    validation = validation_part(images, p.validation_images)
tried = {count: architecture_populations(images, [wide], p.prediction_seeds, epochs=count, precision=p.precision,
                                         learning_rate=p.learning_rate)[wide] for count in p.wide_epochs}
validated = {key: hits(table, validation.test_labels.numpy()).mean(1)
             for key, table in scores({"deep": populations[deep], **tried}, validation).items()}
chosen = nearest({count: validated[count] for count in tried}, validated["deep"])
for key, accuracies in validated.items():
    name = f"{deep}" if key == "deep" else f"{wide} after {key} epochs"
    print(f"accuracy on {len(validation.test_labels)} validation images, {name}:",
          in_brackets(bounded(mean_interval(accuracies), 0, 1), ".3f"))
print(f"chosen: {chosen} epochs")

# %% tags=["nbval-ignore-output"]
logits = scores({**populations, "matched": tried[chosen]}, images)
right = {one: hits(table, labels) for one, table in logits.items()}
pair_of = {deep: right[deep], wide: right["matched"]}  # the pair that is compared
n_networks = len(right[deep])
rng = np.random.default_rng([p.random_seed, 15])
pair_gates = [*gates.of_wide_and_deep([populations[deep], tried[chosen]]),
              predictions.equally_good(validated["deep"], validated[chosen])]
fit = {way: gates.of_wide_and_deep([populations[one] for one in path]) for way, path in paths.items()}
results.gates({f"{deep} and {wide}": pair_gates} | {f"going {way}": gates for way, gates in fit.items()})

# %%
print(f"deep: {deep}; wide: {wide}; base: {base}; {n_networks} networks of each architecture, {n_images} test images, "
      f"{len(images.train_labels)} training images")

# %% [markdown]
# ## Accuracies: Table B.1
#
# Accuracies of single networks on the test images, with intervals over networks (Student's on the scale of the logit);
# the last row is the wide architecture as it enters the comparison.

# %% tags=["hide-input", "nbval-ignore-output"]
rows = {**{str(one): right[one] for one in sorted(populations)}, f"{wide}, {chosen} epochs": right["matched"]}
trained = {**{str(one): found for one, found in populations.items()}, f"{wide}, {chosen} epochs": tried[chosen]}
predictions_shown.accuracy_table(rows, trained).style.hide(axis="index")

# %% [markdown]
# Whether the choice holds on the test images is a check: it asks that the whole 95 % interval of the difference (Welch's)
# lies within one point of accuracy on either side of zero, since not to find a difference is not to show that there is
# none. Where it does not, the line on images equally hard is the one to read.

# %% tags=["nbval-ignore-output"]
means = network_difference(pair_of[deep], pair_of[wide])
print(f"mean accuracy, {deep} less {wide}: {in_brackets(means, '+.4f')}")

# %% [markdown]
# ## Image by image: Figs. 7a, 7b and F.1
#
# The spread about the diagonal has two sources: what truly differs, and the small number of networks. For the second
# one there is a reference: two halves of one architecture. All panels compare as many networks with as many, so that
# chance spreads them alike as far as images are as hard for both.

# %% mystnb={"image": {"alt": "Three square panels with a dot for each image on either side of the diagonal, by the share of networks that are right on them: for deep against wide networks, for two halves of the deep networks, and for two halves of the wide ones."}} tags=["hide-input"]
group = {one: halves(table) for one, table in pair_of.items()}
figures.show(predictions_shown.accuracy_pairs({
    "deep and wide": ((f"{deep}", group[deep][0]), (f"{wide}", group[wide][0])),
    "deep, two halves": ((f"{deep}, first half", group[deep][0]), (f"{deep}, second half", group[deep][1])),
    "wide, two halves": ((f"{wide}, first half", group[wide][0]), (f"{wide}, second half", group[wide][1]))}),
    f"**The paper's Figs. 7a, 7b and F.1.** Per-example accuracy of {n_networks // 2} networks over that of "
    f"{n_networks // 2} others. A dot an image, n = {n_images} test images, moved by up to a third "
    f"of the way to the next value; {n_networks} networks of each architecture.")

# %% [markdown]
# ## More than chance?
#
# Let $a_i$ and $b_i$ be the per-example accuracies of image $i$ for $N$ deep and $N$ wide networks. The variance of
# $a_i - b_i$ over images holds the true differences and the scatter of finite $N$. Networks are independent, so their
# scatter about $a_i$ tells the second part; what is left is an unbiased estimate of the variance of the true
# differences (`lib.statistics.contrasts`). It may come out negative where there is nothing. A difference that is
# the same for all images, as of the means, is no part of it.
#
# *Test and interval.* If the architecture does not matter, the labels "deep" and "wide" can be dealt out anew among all
# $2N$ networks. The share of such deals with a variance as large as the observed one is an exact p value. The interval
# is the observed variance less the 95 % range of these deals, so that it lies above zero exactly where the test says so;
# it reaches further where leaving out one network at a time says that the variance itself is uncertain.
#
# *Only a difference of accuracy?* A better architecture gains more on hard images than on those that everybody gets
# right: a variance that says nothing about *which* images suit whom. The second test compares images that are equally
# hard, on which the same number of all $2N$ networks are right, and takes each network's mean over them off. That
# number does not change when labels are dealt out anew, so that the test stays exact. Simulated architectures that
# differ in one general ability alone are told apart by the first test and not by this one
# (`tests/test_errors.py`). Where accuracies differ much it errs on the careful side: its variance is then
# too low, below zero even.

# %% tags=["nbval-ignore-output"]
hard = strata(*pair_of.values())
by_class = {one: class_accuracy(table, labels, len(images.classes)) for one, table in pair_of.items()}
beyond_hardness = {one: class_accuracy(less_group_means(pair_of[one], hard), labels, len(images.classes))
                   for one in pair_of}
differences = {
    predictions.IMAGES: difference(*pair_of.values(), rng, p.permutations),
    predictions.HARD: difference(*pair_of.values(), rng, p.permutations, hard),
    predictions.CLASSES: difference(by_class[deep], by_class[wide], rng, p.permutations),
    "classes, among images equally hard": difference(beyond_hardness[deep], beyond_hardness[wide], rng, p.permutations)}

# %% tags=["hide-input", "nbval-ignore-output"]
predictions_shown.differences_table(differences).style.hide(axis="index")

# %% [markdown]
# In units of accuracy: the signed root of the variance. The images are fixed: another set of images is another question.
# The last two rows do the same with the mean over the images of a class.

# %% mystnb={"image": {"alt": "Three histograms of variances: of random halves of the deep networks, of the wide ones and across; of permutations over all images with a line at the observed value; and the same among images equally hard."}} tags=["hide-input"]
within_deep, within_wide, across = split_variances(*pair_of.values(), rng, p.permutations)
figures.show(predictions_shown.beyond_chance(
    {"two halves of deep": within_deep, "two halves of wide": within_wide, "half of each": across},
    {"all images": differences[predictions.IMAGES], "images equally hard": differences[predictions.HARD]}),
    f"**Chance and what was seen.** Left: {n_networks // 2} networks against {n_networks // 2}, {p.permutations} "
    f"random splits of the same networks. Middle and right: {p.permutations} deals of the labels of all "
    f"{2 * n_networks} networks; the line is what was observed. n = {n_images} test images.")

# %% [markdown]
# ## Class by class: Fig. 7c
#
# Welch's test over networks for every class, at the paper's level of 0.05 a class. Some classes pass by chance; how
# many, networks dealt out anew tell, and so do the two halves of one architecture. The last column corrects for the
# number of classes (Benjamini and Hochberg). A difference of the mean accuracy shows up in single classes too.

# %% tags=["hide-input", "nbval-ignore-output"]
classes = {f"{deep} and {wide}": class_differences(by_class[deep], by_class[wide], rng, p.permutations)} | {
    f"{one}, two halves": class_differences(*halves(by_class[one]), rng, p.permutations) for one in (deep, wide)}
predictions_shown.classes_table(classes).style.hide(axis="index")

# %% mystnb={"image": {"alt": "Scatter of classes: change of accuracy from extra width over change from extra depth, both relative to the base network, named if they are few; in other colours the same for two halves of the deep and of the wide networks, and a diagonal."}} tags=["hide-input"]
start = class_accuracy(right[base], labels, len(images.classes)).mean(0)
deep_change, wide_change = ([half.mean(0) - start for half in halves(by_class[one])] for one in (deep, wide))
figures.show(predictions_shown.class_changes(
    {f"x: {deep}, y: {wide}": (deep_change[0], wide_change[0]),
     f"x and y: two halves of {deep}": tuple(deep_change), f"x and y: two halves of {wide}": tuple(wide_change)},
    ("change of class accuracy, x", "change of class accuracy, y"), images.classes),
    f"**The paper's Fig. 7c, on this data set.** Change of the accuracy of a class relative to {base}, "
    f"{n_networks // 2} networks in each coordinate; {n_networks} of {base}, which all coordinates share. The classes "
    f"of the first comparison are named if they are {predictions_shown.NAMED} at most; on the line both changes are "
    f"equal. n = {n_images} test images of {len(images.classes)} classes.")

# %% [markdown]
# ## A step deeper, a step wider: Figs. F.2 and F.3
#
# Each step compares two architectures that differ in one thing; beside it, the halves of the smaller one show what
# chance does. The table counts all networks.

# %% mystnb={"image": {"alt": "Two square panels for every step, with a dot for each image: per-example accuracy of the larger network over that of the smaller one, and the same for two halves of the smaller network."}} tags=["hide-input"]
stepped = {name: steps(right, path, rng, p.permutations) for name, path in paths.items()}
panels, group = {}, {one: halves(right[one]) for one in populations}
for name, taken in stepped.items():
    for step in taken:
        small, large = group[step.small], group[step.large]
        panels[f"{name}: to {step.large}"] = (f"{step.small}", small[0]), (f"{step.large}", large[0])
        panels[f"beside it ({name}): {step.small}"] = (f"{step.small}, first half", small[0]), (
            "second half", small[1])
figures.show(predictions_shown.accuracy_pairs(panels, columns=2),
             f"**The paper's Figs. F.2 and F.3.** Per-example accuracy, {n_networks // 2} networks on each axis; "
             f"a dot an image, n = {n_images} test images, moved by up to a third of the way to the next value. Above the "
             "diagonal of the left panels: the larger network is right more often.")

# %% tags=["hide-input", "nbval-ignore-output"]
predictions_shown.steps_table(stepped).style.hide(axis="index")

# %% [markdown]
# ## Beside it: do two networks give the same answer?
#
# The released program can also count to how many images two networks give the same label, and measure the mean
# Kullback–Leibler divergence of their probabilities (both ways, averaged). What the paper used them for is not known.
# Compared are the mean of both architectures and the pairs of one each; the test asks for more likeness within. The
# divergence is no squared distance: where the networks of one architecture scatter far more than those of the other, it
# can be smaller across than within on average.

# %% tags=["hide-input", "nbval-ignore-output"]
predictions_shown.pairs_table(logits[deep], logits["matched"], rng, p.permutations).style.hide(axis="index")

# %% [markdown]
# ## Verdicts
#
# The claims, with rules that do not depend on this run. With one step nothing is said on whether small networks gain
# most.

# %% tags=["hide-input"]
results.rules([*predictions.PAIR, predictions.BETTER, predictions.HELPS_SMALL],
              deep=deep, wide=wide, way="deeper or wider")

# %% tags=["hide-input", "nbval-ignore-output"]
pair = predictions.Compared(pair_of, deep, wide, differences)
verdicts = predictions.pair_claims(pair, pair_gates) + predictions.step_claims(right, paths, fit)
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - Networks, images and epochs are fewer by far, and none are of ImageNet.
# - The deep and the wide architecture are parameters, and equally good through the epochs of the wide one; the paper
#   chose architectures that are so. The test among images equally hard does not need it.
# - The paper compares scatter plots and p values of classes. The variance without the share of chance, the permutation
#   tests, the images equally hard, the intervals and the correction for many classes are additions.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
glue("answer", results.answer(verdicts), display=False)
numbers = {"images": n_images, "networks": n_networks, "deep": str(deep), "wide": str(wide), "base": str(base),
           "accuracy": {name: bounded(mean_interval(table.mean(1)), 0, 1) for name, table in rows.items()},
           "validation": {str(key): accuracies for key, accuracies in validated.items()}, "wide_epochs": chosen,
           "means": means,
           "differences": {name: {"root": one.root(), "p": one.p, "variance": one.observed}
                           for name, one in differences.items()},
           "classes": {name: {"p": one.p, "change": one.change, "share": one.share,
                              "share_by_chance": one.chance.mean(), "share_p": one.share_p,
                              "discovered": int(one.discovered.sum())}
                       for name, one in classes.items()},
           "steps": {name: [{"small": str(step.small), "large": str(step.large), "gain": step.gain,
                             "root": step.spread.root(), "p": step.spread.p} for step in taken]
                     for name, taken in stepped.items()}}
results.write(p.study, "15_predictions", vars(p), numbers, verdicts)
