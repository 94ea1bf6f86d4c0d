"""Training of populations: recipes, epochs, storage, release.

`specification` and its `controls` say what decides a network; `trainer` runs the epochs with `optimiser`, `arithmetic` and
the `fused` steps; `store` keeps networks; `workers` hand the work out for `populations`; `wide_and_deep` and `plan` say what
is asked for; `releases` and `packing` bring networks with the book.
"""

from lib.training.trainer import TrainedNetwork, train
from lib.training.workers import networks_together
