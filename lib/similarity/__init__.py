"""How alike directions of networks are, and the laws that their cosines follow.

`cosines`: of networks and populations; `crossed`: expected similarities with what their intervals are made from,
`paired_similarity` of networks that vary together; `mean_directions`: how closely networks keep to them; `rank_one`: the law
of expected similarity; `foretold`: what laws foretell; `stochastic_order`, `symmetry` and `shapes`: the law of t;
`network_distances`: within a population.
"""

from lib.similarity.cosines import (
    across_labels,
    by_image,
    chance_band,
    chance_limit,
    expected,
    individual,
    mean_direction_cosine,
    pairwise,
    pairwise_of_parts,
    zero_counts,
)
from lib.similarity.network_distances import wasserstein
