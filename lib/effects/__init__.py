"""What changes with the batch size, with more images or epochs, with depth and width, and with choices left open.

`paired` trains and measures networks that differ in one setting, `batch_size` and `scale` are such settings; `errors`
and `accuracy_differences` tell on which images and classes two architectures are right; `open_choices` takes the same
gradients otherwise; `contrasts` has slopes and weighted sums of networks with their intervals.
"""

from lib.effects.accuracy_differences import class_accuracy, class_differences
from lib.effects.errors import agreement, divergence, hits
from lib.effects.paired import Measures, doubling_effects, measure

__all__ = [
    "Measures",
    "agreement",
    "class_accuracy",
    "class_differences",
    "divergence",
    "doubling_effects",
    "hits",
    "measure",
]
