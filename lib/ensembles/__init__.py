"""Ensembles of networks, and what averages of their gradients tell.

`cosines`: E[t] of ensembles and its law; `measures`: all that ensembles of one population have, their loss and
calibration too; `comparisons`: of several populations, with intervals.
"""

from lib.ensembles.cosines import LEAST, ensemble_sizes, law
from lib.ensembles.measures import MEASURES, Ensembles, evaluate, measure
