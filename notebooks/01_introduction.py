# %% [markdown]
# # 1. Introduction: directions on a sphere
#
# Train one architecture several times, each time from another random start. The networks end with different weights.
# Do they nevertheless look at the same parts of an image, and does it matter how wide they are? This book puts that
# question to networks that it trains itself, along the lines of the paper *Great Minds Think Alike: The Universal
# Convergence Trend of Input Salience* {cite:p}`wang2024great`.
#
# This first chapter trains nothing. It fixes the words, draws the paper's two hypotheses on an ordinary sphere where
# everything can be seen, and works out how alike two directions are by chance. What it checks is the mathematics that
# the later chapters rest on; whether real networks behave like this is their business.
#
# ## What the paper says
#
# - **Trend.** Two networks trained at random resemble each other more in input salience when *either* of them is
#   wider.
# - **H1.** The directions in which the networks of one width point concentrate as the width grows.
# - **H2.** Networks of one architecture share almost the same mean direction, whatever their width.
# - **Consequence.** If both hold, the average of many narrow networks tells what a wide one would look at.
#
# ## What it shows here
#
# ```{glue:md} answer
# :format: myst
# ```
#
# The cell below holds the parameters of this chapter: the dimensions of Fig. 22, and how many random directions are
# drawn for each synthetic family and how many random pairs for each dimension.

# %% tags=["hide-input", "parameters"]
study = "mine"
dimensions = [3, 192, 3072]
samples = 4000
random_seed = 0

# %% tags=["hide-input"]
from lib import parameters

p = parameters.read(globals(), ["study", "dimensions", "samples", "random_seed"])

# %%
import numpy as np
import pandas as pd
from myst_nb import glue
from scipy.integrate import quad
from scipy.stats import binomtest, vonmises_fisher

from lib import figures, results, similarity, sphere
from lib.chapters import introduction_figures as drawn
from lib.chapters.introduction import ROWS, all_claims, differences, ratios, simultaneous

# %% [markdown]
# ## Definitions
#
# Let $f$ be a trained network with one number as its output, here the score of an image's true class, and let $x$ be
# an image. The **salience** of $f$ at $x$ is the gradient $\nabla f(x)$: which pixels, changed a little, would change
# the score. Its length says how steep the score is; the book looks at where it points,
#
# $$u = \frac{\nabla f(x)}{\lVert \nabla f(x) \rVert} ,$$
#
# a point of the unit sphere $S^{d-1}$ when the gradient has $d$ entries. A **family** $\mathcal F(k)$ is the
# distribution of networks of one architecture and width $k$, trained on the same data from random starts. For a fixed
# image it gives a distribution of $u$ on the sphere, with
#
# $$\mu_k = \frac{\mathbb E[u]}{\lVert \mathbb E[u] \rVert}, \qquad R_k = \lVert \mathbb E[u] \rVert, \qquad
# V_k = 1 - R_k ,$$
#
# its **mean direction**, its **mean resultant length** and its **spherical variance**: $R_k = 1$ when all networks
# point the same way, $R_k = 0$ when they point nowhere in particular. Two networks are compared by the
# **individual similarity**, the cosine of their directions averaged over images, and two widths by the
# **expected similarity**, its average over pairs of different networks,
#
# $$\rho_\text{ind}(f_1, f_2) = \mathbb E_x[\, u_1 \cdot u_2 \,], \qquad
# \rho(k_1, k_2) = \mathbb E_{f_1 \in \mathcal F(k_1), f_2 \in \mathcal F(k_2)} [\, \rho_\text{ind}(f_1, f_2) \,] .$$
#
# Since two networks are trained independently, at a single image the average of the product is the product of the
# averages:
#
# $$\rho(k_1, k_2) = \mathbb E[u_1] \cdot \mathbb E[u_2] = \mathbb E[t_1]\, \mathbb E[t_2]\; \mu_1 \cdot \mu_2 ,
# \qquad t_i = \mu_i \cdot u_i .$$
#
# Everything about the trend is in this line. H1 says that $\mathbb E[t_k]$ grows with $k$, and H2 that
# $\mu_1 \cdot \mu_2 \approx 1$; then $\rho$ rises with either width, and the matrix of all $\rho(k_1, k_2)$ has
# rank one.
#
# ## Two worlds
#
# Four synthetic families stand in for four widths $k_1 < k_2 < k_3 < k_4$. Each follows a von Mises-Fisher
# distribution, the sphere's counterpart of a round Gaussian, with density proportional to $e^{\kappa\, \mu \cdot u}$.
# In three dimensions its mean resultant length is $R = \coth \kappa - 1/\kappa$.
#
# The concentration $\kappa$ grows with the width in both worlds, so H1 holds in both. In the first, each width has
# a mean direction of its own. In the second all share one, so H2 holds as well.

# %%
concentrations = np.array([2.0, 6.0, 20.0, 60.0])
labels = ["$k_1$", "$k_2$", "$k_3$", "$k_4$"]
resultants = 1 / np.tanh(concentrations) - 1 / concentrations
own = [drawn.direction(*angles) for angles in ((-45, -35), (45, 50), (30, -50), (-30, 55))]
centres = {"(a) unrelated families": own, "(b) converging families": [drawn.direction(25, 30)] * 4}
rng = np.random.default_rng([p.random_seed, 1])
worlds = {
    world: [vonmises_fisher(mu, kappa).rvs(p.samples, random_state=rng)
            for mu, kappa in zip(directions, concentrations, strict=True)]
    for world, directions in centres.items()
}

# %% mystnb={"image": {"alt": "Two spheres with four clouds of points each. On the left the clouds sit in different places; on the right all four are centred on one point, the wider families more tightly."}} tags=["hide-input"]
shown = min(120, p.samples)
figures.show(
    drawn.families_on_spheres({world: [u[:shown] for u in families] for world, families in worlds.items()},
                                       centres, labels),
    f"**Fig. 1 of the paper, redrawn.** Synthetic directions on the unit sphere, {shown} for each of four families "
    f"*k₁* to *k₄* with *κ* = {', '.join(f'{kappa:g}' for kappa in concentrations)}; pale points lie on the "
    "far side, arrows are the mean directions. (a) Every family concentrates around a direction of its own. "
    "(b) All families concentrate around the same direction, so their arrows coincide.")

# %% [markdown]
# Nobody sees the directions of real networks like this, since they live in hundreds of dimensions. What can be
# measured there is the matrix of expected similarities, and the two worlds leave different traces in it.
#
# Two ways to the same matrix: the average cosine over pairs of sampled directions (without the pairs of a direction
# with itself), and the product $\mathbb E[t_1]\, \mathbb E[t_2]\, \mu_1 \cdot \mu_2$ from the parameters that the
# samples were drawn with. The samples are cut into 20 batches; the spread of the batches gives the intervals.

# %%
batches = 20
product, measured = {}, {}
for world, families in worlds.items():
    mus = np.array(centres[world])
    product[world] = np.outer(resultants, resultants) * (mus @ mus.T)
    cut = [np.array_split(u[:, None], batches) for u in families]
    measured[world] = np.array([[[similarity.expected(a[b], None if a is c else c[b]) for c in cut] for a in cut]
                                for b in range(batches)])  # [batches, 4, 4]

# %% mystnb={"image": {"alt": "Two four by four heatmaps. On the left only the diagonal is high and other entries are low or negative; on the right the values rise along both axes."}} tags=["hide-input"]
figures.show(
    drawn.similarity_matrices({world: values.mean(0) for world, values in measured.items()}, labels),
    f"**Not in the paper.** Expected similarity within and between the families of Fig. 1, from {p.samples} directions "
    "a family. (a) A more concentrated family is more similar to itself, but not to the others. (b) The similarity "
    "rises with either width.")

# %% [markdown]
# In world (a) only the diagonal rises. So a diagonal that rises is a sign of H1 alone; it takes the entries off the
# diagonal to speak about H2. In world (b) two families of different width are as similar as their concentrations
# allow: the narrow family $k_1$ resembles the wide $k_4$ more than it resembles itself, because $k_4$ scatters less.
#
# Does the product formula hold? Below, the largest difference of the 20 different entries of both matrices, with an
# interval wide enough that all 20 together miss the truth in no more than 5 % of repetitions (Bonferroni). An interval
# that holds zero says little when it is wide, so that a verdict also asks for enough samples.

# %%
upper = np.triu_indices(4)
difference = np.concatenate([(measured[w] - product[w])[:, upper[0], upper[1]] for w in worlds], axis=1)
product_checked = differences(simultaneous(difference), widest=0.05)
pd.DataFrame(product_checked.interval, index=["sampled minus product", "low", "high"]).T.round(4) + 0.0

# %% [markdown]
# ## The two hypotheses, one at a time
#
# Draw around each mean direction the cap that holds half of its family. For a von Mises-Fisher distribution on the
# ordinary sphere the cosine $c$ of the cap's half-angle has a closed form. With a share $q$ inside,
#
# $$q = \frac{1 - e^{-\kappa (1 - c)}}{1 - e^{-2 \kappa}} \quad\Longrightarrow\quad
# c = 1 + \frac{1}{\kappa} \log\bigl(1 - q\,(1 - e^{-2\kappa})\bigr) .$$
#
# H1 speaks of the caps' size, H2 of their centres. Neither implies the other.

# %%
half = 1 + np.log1p(0.5 * np.expm1(-2 * concentrations)) / concentrations
near = [drawn.direction(*angles) for angles in ((27, 28), (23, 28), (27, 32), (23, 32))]
shared = centres["(b) converging families"]
panels = {
    "H1 alone: caps shrink": list(zip(own, half, strict=True)),
    "H2 alone: caps share a centre": [(mu, half[1]) for mu in near],
    "H1 and H2": list(zip(shared, half, strict=True)),
}
inside = [np.mean(u @ mu > c) for u, mu, c in zip(worlds["(b) converging families"], shared, half, strict=True)]
pd.DataFrame({"family": ["k1", "k2", "k3", "k4"], "half-angle (degrees)": np.degrees(np.arccos(half)).round(1),
              "share of the samples inside": np.round(inside, 2)})

# %% mystnb={"image": {"alt": "Three spheres with four circles each. Left: circles of falling size in different places. Middle: four circles of one size with nearly one centre. Right: concentric circles of falling size."}} tags=["hide-input"]
figures.show(
    drawn.caps(panels, labels),
    "**Fig. 4a of the paper, redrawn.** Circles bound the caps that hold half of a family, arrows are mean directions, "
    "for the four families of Fig. 1. Left: H1 without H2, the caps shrink as the width grows but sit "
    "in different places. Middle: H2 without H1, nearly one centre and one size (all with "
    f"*κ* = {concentrations[1]:g}, centres moved by 2 degrees to tell them apart). Right: both, concentric caps "
    "that shrink.")

# %% [markdown]
# ## One direction, two parts
#
# Every direction splits into a part along $\mu$ and a part across it,
#
# $$u = t\,\mu + \sqrt{1 - t^2}\;\mu_\perp, \qquad t = \mu \cdot u, \qquad \mu_\perp \cdot \mu = 0, \quad
# \lVert \mu_\perp \rVert = 1 .$$
#
# If the distribution is symmetric about $\mu$, all that can be said about it is the distribution of the one number
# $t$: $\mu_\perp$ is uniform and independent of $t$. Such distributions, with a density
# $f(u) \propto \psi(\kappa\, \mu \cdot u)$, go back to Saw (1978), and the marginal of $t$ is
#
# $$p(t) \;\propto\; \psi(\kappa t)\, (1 - t^2)^{(d-3)/2} .$$
#
# The second factor is the room that the sphere has at cosine $t$, the same for every family. At $d = 3$ it is
# constant, so that the logarithm of the density shows $\log \psi$ itself: a straight line of slope $\kappa$ for von
# Mises-Fisher. In more dimensions it dominates.

# %%
cosines, rebuilt = [], []
for u, mu in zip(worlds["(b) converging families"], shared, strict=True):
    t, across = sphere.tangent_normal(u, mu)
    cosines.append(t)
    rebuilt.append(np.abs(t[:, None] * mu + np.sqrt(1 - np.minimum(t**2, 1))[:, None] * across - u).max())
print("the two parts give the direction back, to 1e-7:", max(rebuilt) < 1e-7)

# %% mystnb={"image": {"alt": "Left: a unit circle with an arrow u, split into a part along the mean direction and a part across it. Right: densities of the cosine on a logarithmic axis; the wider the family, the more mass near one. A flat line marks the uniform sphere."}} tags=["hide-input"]
figures.show(
    drawn.decomposition(0.5, cosines, concentrations, labels),
    f"**Fig. 4b of the paper, redrawn.** Left: a direction with *t* = 0.5 in the plane of *μ* and *μ⊥*. "
    f"Right: the marginal of *t* for the converging families, {p.samples} directions each (bars), with its exact "
    "density (coloured lines); in black the uniform distribution on the sphere, flat in three dimensions.")

# %% [markdown]
# ## Mean resultant length and mean cosine
#
# With $\mu$ the mean direction, $R = \mathbb E[t]$ is no more than a rewriting: $\mathbb E[t] = \mu \cdot \mathbb
# E[u] = R$. It has content when $\mu$ is something else, for instance the direction that is most often taken. For a
# distribution symmetric about $\mu$ the parts across it cancel and the two agree. For a lopsided one they do not.
#
# The check compares $R^2$, the mean of $u_i \cdot u_j$, with $\mathbb E[t]^2$, the mean of $t_i t_j$, both over pairs
# $i \ne j$, which makes both unbiased. The first four rows are the families above. The last two are lopsided on
# purpose, 70 % of the directions around one point and 30 % around another, with $\kappa = 20$: seen from the larger
# heap, and from the mean direction.

# %%
rng = np.random.default_rng([p.random_seed, 2])
heaps = np.array([drawn.direction(0, 0), drawn.direction(0, 60)])
member = rng.random(p.samples) < 0.3
lopsided = np.where(member[:, None], vonmises_fisher(heaps[1], 20).rvs(p.samples, random_state=rng),
                    vonmises_fisher(heaps[0], 20).rvs(p.samples, random_state=rng))
mean = 0.7 * heaps[0] + 0.3 * heaps[1]
cases = [(f"k{i + 1}", u, mu) for i, (u, mu) in enumerate(zip(worlds["(b) converging families"], shared, strict=True))]
cases += [("lopsided, about its larger heap", lopsided, heaps[0]),
          ("lopsided, about its mean direction", lopsided, mean / np.linalg.norm(mean))]

# %%
squares = np.array([[(similarity.expected(b[:, None]), similarity.expected((b @ mu)[:, None, None]))
                     for b in np.array_split(u, batches)] for _, u, mu in cases])  # [cases, batches, R^2 and E[t]^2]
gap = squares[..., 0] - squares[..., 1]
middle, low, high = simultaneous(gap.T)
pd.DataFrame({"family": [name for name, _, _ in cases], "R": np.sqrt(squares[..., 0].mean(1)).round(3),
              "E[t]": np.sqrt(squares[..., 1].mean(1)).round(3), "R^2 - E[t]^2": middle.round(4) + 0.0,
              "low": low.round(4), "high": high.round(4), "agree": (low < 0) & (0 < high)})

# %% [markdown]
# The symmetric families agree, the lopsided one only about its mean direction. This is why the later chapters measure
# $t$ from the mean direction, and why the product formula needs no assumption about symmetry. They cannot use the
# true mean, only one estimated from few networks; how that biases $t$, and what mends it, opens
# {doc}`04_hypotheses`.

# %% [markdown]
# ## How alike are two directions by chance?
#
# A similarity of 0.1 sounds like nothing. Whether it is depends on the dimension. Let $Z$ be the cosine of two
# independent Gaussian vectors in $d$ dimensions. Its density is the room factor of above, so it has mean 0 and
# standard deviation $1/\sqrt d$, and for $p \ge 0$
#
# $$P(Z > p) = \tfrac12\, I_{1 - p^2}\bigl(\tfrac{d-1}{2}, \tfrac12\bigr)$$
#
# with the regularised incomplete beta function $I$. The dimensions of Fig. 22 are those of three views of an image of
# $32 \times 32$ pixels: one mean value for each of three colours, the gradient averaged to $8 \times 8$ squares
# ($3 \cdot 8 \cdot 8 = 192$, the grid used in the code that the authors released), and the full gradient
# ($3 \cdot 32 \cdot 32 = 3072$).

# %%
thresholds = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4])
formula = {dim: sphere.cosine_tail(thresholds, dim) for dim in p.dimensions}
table = pd.DataFrame({f"d = {dim}": [f"{value:.3g}" for value in values] for dim, values in formula.items()},
                     index=pd.Index([f"{value:g}" for value in thresholds], name="p"))
table.loc["s.d. of Z"] = [f"{dim ** -0.5:.3g}" for dim in p.dimensions]
table

# %% [markdown]
# Two independent checks. Integrating the density numerically from $p$ upwards, to a point where nothing is left, has
# to give the same numbers:

# %%
integrated = np.array([
    quad(sphere.uniform_pdf, at, min(1, at + 60 / (dim * at)), (dim,), epsabs=0, epsrel=1e-11, limit=200)[0] / value
    for dim in p.dimensions for at, value in zip(thresholds, formula[dim], strict=True) if value > 1e-290])
print(f"{len(integrated)} probabilities agree to a relative 1e-8:", np.abs(integrated - 1).max() < 1e-8)

# %% [markdown]
# And sampling pairs of Gaussian vectors has to give shares that scatter around the formula as a binomial count does.
# This reaches only the upper end of the curves, thresholds of one half to two and a half standard deviations.

# %%
rng = np.random.default_rng([p.random_seed, 3])
sampled, rows = {}, []
for dim in p.dimensions:
    at = np.array([0.5, 1, 1.5, 2, 2.5]) / np.sqrt(dim)
    at = at[at < 1]
    z = np.sum(sphere.uniform_directions(rng, p.samples, dim) * sphere.uniform_directions(rng, p.samples, dim), axis=1)
    tests = [binomtest(int((z > threshold).sum()), p.samples) for threshold in at]
    ends = np.array([test.proportion_ci(0.95, method="exact") for test in tests])
    sampled[dim] = at, np.array([test.statistic for test in tests]), ends[:, 0], ends[:, 1]
    rows += list(zip(tests, sphere.cosine_tail(at, dim), strict=True))

# %% mystnb={"image": {"alt": "Probability that a random cosine exceeds a threshold, on a logarithmic axis, for three dimensions. The higher the dimension, the faster the fall; in 3072 dimensions it reaches 1e-118 at a threshold of 0.4. Sampled points lie on the curves."}} tags=["hide-input"]
grid = np.linspace(0, 1, 1001)
figures.show(
    drawn.chance_level(grid, {dim: sphere.cosine_tail(grid, dim) for dim in p.dimensions}, sampled),
    "**Fig. 22 of the paper, redrawn.** Probability that the cosine of two independent Gaussian vectors exceeds *p* "
    f"in *d* = {', '.join(map(str, p.dimensions))} dimensions. Left: the formula. Right: its upper end, with the "
    f"shares among {p.samples} sampled pairs a dimension and exact 95 % intervals of each (points).")

# %%
level = 1 - 0.05 / len(rows)
ends = np.array([test.proportion_ci(level, method="exact") for test, _ in rows])
exact, share = np.array([value for _, value in rows]), np.array([test.statistic for test, _ in rows])
tail = ratios(share, ends, exact, p.samples)

# %% [markdown]
# What does that say about a similarity that is measured? In the picture that the authors released with their code,
# for a small convolutional network on CIFAR-10 with $d = 192$, the smallest similarity of two networks is about 0.04,
# between widths 8 and 10. It is an average over 256 images.

# %%
null = 192 ** -0.5
pd.DataFrame({"one image": [null, 0.04 / null], "mean of 256 images": [null / 16, 0.04 * 16 / null]},
             index=["standard deviation by chance", "0.04 in such units"]).round(3)

# %% [markdown]
# For one image a cosine of 0.04 is nothing special. For the mean of 256 it would be nine standard deviations away
# from zero, were the images independent and the gradients without any structure. Neither is quite true: neighbouring
# squares of a gradient go together, so the sphere that gradients really use has fewer dimensions, and one network's
# gradients at different images have something in common. Fig. 22 is thus a floor for the chance level and no test by
# itself; the later chapters take their intervals from the networks and images at hand.
#
# ## Verdicts
#
# None of these claims is about trained networks, so they rest on no networks and no images.

# %% tags=["hide-input"]
results.rules(ROWS, count="all")

# %% tags=["hide-input"]
symmetric = differences([part[:4] for part in (middle, low, high)], widest=0.02)
verdicts = all_claims(product_checked, symmetric, integrated, tail)
results.table(verdicts)

# %% [markdown]
# ## What differs from the paper
#
# - The figures are drawn from their published captions and the definitions. How many points and families the paper's
#   Fig. 1 shows, its angles, and which distribution its points follow are not known here; the four families and their
#   concentrations are a choice.
# - Fig. 4a is drawn as three panels, and its caps hold half of a family; how the paper lays them out and what its
#   caps hold is not known here.
# - Fig. 22 has sampled points here, and the thresholds' range is a choice.
# - The heatmaps, the lopsided family and the remark on the chance level of released similarities are additions.
# - That $\rho$ is an expectation over pairs of different networks is read from the figure captions; the product
#   formula follows from it for a single image. Averaged over images it gains a covariance over images, which
#   {doc}`04_hypotheses` measures.

# %% tags=["hide-input", "remove-output"]
glue("answer", results.answer(verdicts, level=None), display=False)

# %% tags=["hide-input", "remove-output"]
numbers = {
    "concentrations": concentrations, "resultants": resultants, "similarity_by_product": product,
    "similarity_sampled": {world: values.mean(0) for world, values in measured.items()},
    "thresholds": thresholds, "tails": formula,
    "sampled_tails": {dim: dict(zip(["p", "share", "low", "high"], values, strict=True))
                      for dim, values in sampled.items()},
    "resultant_against_cosine": {name: dict(zip(["R2", "Et2"], values.mean(0), strict=True))
                                 for (name, _, _), values in zip(cases, squares, strict=True)},
}
results.write(p.study, "01_introduction", vars(p), numbers, verdicts)
