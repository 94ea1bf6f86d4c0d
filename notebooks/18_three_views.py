# %% [markdown]
# # 18. Three views
#
# **Question.** This book has met three answers to "are these two networks alike?": their input gradients point in one
# direction, their representations have one geometry, the representations of one can be mapped to those of the other.
# Do the three answer alike? Does each find wider networks more alike? And which of them foretells best what two
# networks *do* alike?
#
# **What the papers say.** None of them asks. One compares input gradients {cite:p}`wang2024great`, one representations
# by centred kernel alignment {cite:p}`nguyen2021wide`, one by direct matching {cite:p}`balogh2025stitch`. That wider
# networks have more similar representations was found before, by CKA {cite:p}`kornblith2019similarity`. Everything
# below is this book's own, the claims included.
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
families = ["resnet-small", "resnet-large"]
widths = [2, 4, 8, 16]
seeds = {"resnet-small": 6, "resnet-large": 6}
epochs = 20
precision = "float32"
output = "logit"
grid = 8
view_images = None  # half of the test images
fit_images = 100
main_eps = 0.25

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dataset", "n_train", "n_test", "families", "widths", "seeds", "epochs",
                                "precision", "output", "grid", "view_images", "fit_images", "main_eps"])
parameters.check_shared_widths(p.widths)
parameters.check_seeds(p.seeds, 4)

# %%
import warnings

from myst_nb import glue

from lib import data, figures, gates, results
from lib.chapters import three_views_figures as drawn
from lib.chapters.three_views import (
    AGREE_WITHIN,
    ALL_AGREE,
    GAINS,
    GROWTH,
    HYPOTHESES,
    NAMES,
    rank_table,
    skill_table,
    view_claims,
)
from lib.training.populations import population_grid, test_accuracies
from lib.views import three_views
from lib.views.measures import measure
from lib.views.outcomes import TRANSFER

with parameters.about("families"):
    three_views.check_families(p.families)
images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
parameters.check_grid(p.grid, *images.test_images.shape[1:3])
with parameters.about("view_images"):
    seen, unseen = three_views.halves(images, p.view_images)

# %% [markdown]
# ## The views
#
# Of two networks $f$ and $g$ of one family, larger meaning more alike in each:
#
# - **ρ**, the mean cosine over images of the directions of their input gradients, as in {doc}`03_individual_similarity`;
# - **CKA**, linear and unbiased, of the outputs of the same block in both networks, averaged over blocks;
# - **direct matching**: the affine map, one for all positions, that sends the channels of a block of $f$ nearest to
#   those of the same block of $g$ is fitted to training images. The view is $1 - r$, where $r$ is its squared error on
#   other images over the squared norm of the target, averaged over blocks and over both directions.
#
# Direct matching takes `fit_images` training images, by default 100 as the paper's program does. Its smallest maps had
# 4 x 4 positions, 1,600 equations; on small images the last maps may be single pixels, and 100 equations for as many
# unknowns or more tell more about that ratio than about the networks. Where the images have fewer than 1,600 positions
# more are taken, as many as there are at most.
#
# ## What two networks do
#
# - **Equal predictions**: the share of images that both put into one class.
# - **Errors in common**: Cohen's κ of being right or wrong on the same images {cite:p}`geirhos2020beyond`, 0 if errors
#   fell independently given how many each makes, 1 if always on the same images.
# - **Transfer of attacks**: the share of the mean probability of the true class that one step of
#   {doc}`07_black_box_attack` takes from a network if it follows the gradient of the other, averaged over the two
#   directions. It is the ratio of means of that chapter, which no heavy tail rules, subtracted from 1.
#
# The views see one half of the test images, what networks do is observed on the other half: what is foretold below are
# new images, and pairs of networks that the prediction has not met.

# %% tags=["nbval-ignore-output"]
populations = population_grid(images, p.families, p.widths, p.seeds, epochs=p.epochs, precision=p.precision)
tables = {}
for family in p.families:
    with warnings.catch_warnings(record=True) as warned:  # of gradients that are zero: below they are told in a line
        warnings.simplefilter("always", UserWarning)
        tables[family] = three_views.pair_table(
            [populations[family, k] for k in p.widths], images, output=p.output, grid=p.grid,
            view_images=p.view_images, fit_images=p.fit_images, eps=p.main_eps)
    for one in warned:
        print(f"{family}: {one.message}")

# %%
n_images = len(seen)
counted = "; ".join(f"{family}: {len(table)} networks, {len(table.first)} pairs" for family, table in tables.items())
print(f"{counted}; {n_images} test images for the views, {n_images} others for what networks do")
found = {family: measure(table) for family, table in tables.items()}

# %% [markdown]
# ## Do the views agree?
#
# A point is a pair of different networks. Wide networks may be alike and narrow ones not in every view, and then the
# views agree through the width alone. *Within widths* the rank correlation is taken among the pairs of one combination of
# widths, two networks of $k = 4$ and $8$ say, and averaged over combinations.

# %% mystnb={"image": {"alt": "A row of three panels for each family: CKA over gradient similarity, direct matching over gradient similarity, and direct matching over CKA. A point a pair of networks, coloured by their mean width; the title has the rank correlations over all pairs and within widths."}} tags=["hide-input"]
figures.show(drawn.views_against_views(found),
             f"**The views against each other.** Titles: Spearman's rank correlation. {counted}; n = {n_images} test images.")

# %% [markdown]
# ## Does each grow with the width?

# %% mystnb={"image": {"alt": "Three panels, one for each view: the mean over pairs of networks of one width, over the width, a line with intervals for each family."}} tags=["hide-input"]
figures.show(drawn.over_width(found),
             f"**Two networks of one width.** Means over pairs with 95 % intervals over networks. {counted}; "
             f"n = {n_images} test images.")

# %% [markdown]
# ## What do they foretell?
#
# The outcome of a pair is predicted by least squares from a view and its square. The prediction is fitted to all pairs
# *that share neither of the two networks*, and the error compared with that of the mean of these pairs:
#
# $$ R^2 = 1 - \frac{\sum_{f, g} \bigl( y_{fg} - \hat y_{fg} \bigr)^2}{\sum_{f, g} \bigl( y_{fg} - \bar y_{fg} \bigr)^2} . $$
#
# It is below zero where the prediction is worse than that mean. What a view has to beat is what is known without looking
# at pairs at all:
#
# - **widths**: an effect of each of the two widths, and the product of their logarithms;
# - **each alone**: besides these the two accuracies, and the two weaknesses, what an attack with a network's own gradient
#   takes from it, on the images that the views see; of either the sum and the product.
#
# Two hypotheses were laid down before: an attack follows gradients, so that *ρ foretells transfer best*; predictions
# follow from representations, so that *CKA and direct matching foretell equal predictions and common errors better than
# ρ*.

# %% mystnb={"image": {"alt": "A row of three panels for each family, one for each view: the share of the probability that attacks take over the view's likeness, a point a pair of networks, coloured by their mean width; titles have the held-out R squared and the rank correlation within widths."}} tags=["hide-input"]
figures.show(drawn.views_against_outcome(found, TRANSFER),
             f"**Transfer of attacks, as three views see it.** ε = {p.main_eps:g} in normalised units. A point is a pair of "
             f"networks; titles: held-out R² of the view alone, and rank correlation within widths. {counted}; "
             f"n = {n_images} test images for the views, {n_images} others for the attacks.")

# %% mystnb={"image": {"alt": "Three panels, one for each outcome: the held-out R squared with intervals of each view, of all three, of the widths, of all that is known of each network alone, and of that with the views, a marker for each family."}} tags=["hide-input"]
figures.show(drawn.skills(found),
             f"**What foretells what two networks do.** Held-out R² with 95 % intervals over networks, seen from -1 to 1, "
             f"the most that it can be; 0 is the mean of other pairs. {counted}; n = {n_images} test images for the "
             f"views, {n_images} others for what networks do.")

# %% tags=["hide-input", "nbval-ignore-output"]
skill_table(found)

# %% [markdown]
# $R^2$ is ruled by pairs that lie far from the others, such as those of a network that learnt badly. Rank correlations
# are not, need no fit, and within widths they ask the harder question: of networks as wide as these, are those that
# look more alike also those that do more alike? No claim was laid down for them.

# %% mystnb={"image": {"alt": "Three panels, one for each outcome: the rank correlation of each view with it, with intervals; hollow markers over all pairs, filled ones within widths, a colour for each family."}} tags=["hide-input"]
figures.show(drawn.rank_correlations(found),
             f"**All pairs, and pairs of equal widths.** Spearman's rank correlation with 95 % intervals over networks. "
             f"{counted}; n = {n_images} test images for the views, {n_images} others for what networks do.")

# %% tags=["hide-input", "nbval-ignore-output"]
rank_table(found)

# %% [markdown]
# *Intervals.* Networks are the sample: pairs that share one vary together. Each network is left out of all its pairs in
# turn, everything is computed anew without it, the predictions too, and the variances over the networks of each
# width add (a jackknife). Images are held fixed.
#
# ## Verdicts
#
# What the networks of a family must have learnt before a claim about them is judged:

# %% tags=["hide-input", "nbval-ignore-output"]
learnt = gates.of_families(test_accuracies(populations), p.dataset, len(images.classes))
results.gates(learnt)

# %% [markdown]
# The rules, for each family:

# %% tags=["hide-input"]
results.rules([ALL_AGREE, AGREE_WITHIN, *GROWTH, *HYPOTHESES, *GAINS], family="a family")

# %% tags=["hide-input", "nbval-ignore-output"]
verdicts = [claim for family, measures in found.items() for claim in view_claims(family, measures, n_images, learnt[family])]
results.table(verdicts)

# %% [markdown]
# ## What this cannot tell
#
# - Only networks of one family are compared, at equal depth, and they differ in nothing but width and seed.
# - Few networks a width: what lies within widths is seen through a handful of them, and $R^2$ through the few that lie
#   far out.
# - Another summary of the views over blocks, another step of the attack, or other images may give another order.

# %% tags=["hide-input", "nbval-ignore-output", "remove-output"]
asked = [claim for family, measures in found.items()
         for claim in view_claims(family, measures, n_images, learnt[family], [AGREE_WITHIN, *GROWTH, *HYPOTHESES])]
glue("answer", results.answer(asked, level=None), display=False)
ends = "estimate", "low", "high"
numbers = {"images": n_images, "networks": {family: len(table) for family, table in tables.items()},
           "views": list(NAMES), "measures": {
               family: {"same_width": dict(zip(ends, measures.means.interval())),
                        "growth": dict(zip(ends, measures.growth())), "skill": dict(zip(ends, measures.skill())),
                        "gain": dict(zip(ends, measures.gain())),
                        **{f"{name}_{where}": dict(zip(ends, of(within))) for where, within in (("all", False), ("within", True))
                           for name, of in (("views", measures.between_views), ("outcomes", measures.with_outcomes))}}
               for family, measures in found.items()}}
results.write(p.study, "18_three_views", vars(p), numbers, verdicts)
