"""What networks say, and which way their scores rise.

`extraction`: scores, input gradients and their directions; `direction_store`: those of populations, kept on disk.
"""

from lib.salience.direction_store import by_family, population_directions, population_logits
from lib.salience.extraction import CACHED, OUTPUTS, as_pictures, directions, input_gradients, plain_gradients
