"""Training of populations: recipes, epochs, storage, release."""

from lib.training.trainer import TrainedNetwork, networks_together, train

__all__ = ["TrainedNetwork", "networks_together", "train"]
