"""Stitching a layer of one network to another, and the indices it is compared with.

`matchings` fits the maps by direct matching, `task_loss` by task loss matching; `similarity_indices` holds Procrustes,
CCA, PWCCA and CKA with their invariances; `layers` scores all layers of two networks and `stitched_pairs` many
networks; `identification` asks which layers correspond; `detectors` and `detection` ask whether stitched activations
are strange to a network, and `sensitivity` whether an index follows what a representation can be used for.
"""

from lib.stitching.matchings import AffineMap, accuracy, direct_match, hits, residual, resized
from lib.stitching.similarity_indices import SIMILARITY_INDICES, cca, mean_cca, procrustes_distance, pwcca_distance
from lib.stitching.task_loss import match_task_loss
