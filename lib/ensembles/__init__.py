"""Ensembles of networks, and what averages of their gradients tell."""

from lib.ensembles.averages import LEAST, MEASURES, Ensembles, ensemble_sizes, evaluate, measure

__all__ = ["Ensembles", "LEAST", "MEASURES", "ensemble_sizes", "evaluate", "measure"]
