"""A reader's own networks and pictures: `compare` gives the book's main numbers for any networks on any images.

`comparison` compares groups of networks; `gradients` takes the directions of one, `networks` reads modules from files and `pictures` images from class folders.
"""

from lib.models.class_scores import ClassScores, ModelError
from lib.own.comparison import Comparison, compare
from lib.own.networks import load_model, load_models
from lib.own.pictures import load_images, resized

__all__ = ["ClassScores", "Comparison", "ModelError", "compare", "load_images", "load_model", "load_models", "resized"]
