"""Centred kernel alignment (CKA) of layers, the block structure, its first component and what its blocks are good for.

`estimators` has HSIC and CKA of arrays, `grams` and `maps` those of networks; `blocks` finds block structures,
`block_growth` compares them; `components` and `block_components` look at first principal components, `across` at two
networks, `probes` and `block_effects` at linear probes and deleted blocks.
"""

from lib.cka.blocks import largest_block
from lib.cka.estimators import MinibatchCKA, hsic, linear_cka
from lib.cka.grams import hidden_points
from lib.cka.maps import network_cka
