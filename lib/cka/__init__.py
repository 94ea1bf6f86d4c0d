"""Centred kernel alignment of layers, the block structure and its first component."""

from lib.cka.estimators import CKAMatrix, batches, centred, gram, hsic, linear_cka, minibatch_cka, normalised

__all__ = ["CKAMatrix", "batches", "centred", "gram", "hsic", "linear_cka", "minibatch_cka", "normalised"]
