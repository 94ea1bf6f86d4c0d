"""Stitching a layer of one network to another, and the indices it is compared with."""

from lib.stitching.matchings import AffineMap, accuracy, direct_matching, hits, residual, resized, task_loss_matching

__all__ = ["AffineMap", "accuracy", "direct_matching", "hits", "residual", "resized", "task_loss_matching"]
