"""A reader's own networks and pictures: what the book measures, for any networks on any images, as labelled tables.

`comparison` compares groups of networks by their gradients, `layers` has CKA and stitches of layers, `attacks` attacks
between networks; `groups` checks what is given and labels tables, `gradients` takes the directions of one network,
`networks` reads modules from files and `pictures` images from class folders.
"""

from lib.models.class_scores import ClassScores, ModelError
from lib.own.attacks import attack_transfer
from lib.own.comparison import Comparison, compare
from lib.own.layers import layer_cka, stitch
from lib.own.networks import load_model, load_models
from lib.own.pictures import load_images, resized
