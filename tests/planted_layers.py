"""CKA maps of networks whose layers are known mixtures of independent signals.

A layer that holds signal s with weight v_s has the Gram matrix sum_s v_s K_s; Gram matrices of independent signals have
no HSIC in common, so that the CKA of two layers is the cosine of their weights.
"""

import numpy as np

from lib.cka.maps import NetworkMaps

PLACES = np.linspace(-0.5, 1.5, 81)  # of the shared signals in relative depth
SPREAD = 0.15
BUMP = float((np.exp(-((PLACES - 0.5) ** 2) / (2 * SPREAD**2)) ** 2).sum())  # squared weights of the shared signals


def planted_maps(populations, noise=0.0, dominance=1000.0):
    """`NetworkMaps` of populations: name -> (layers, the block (start, stop) or None of each network).

    Every layer holds the shared signals near its relative depth; a signal of its own whose squared weight is `noise`
    times theirs; and in the block of its network one of the network whose squared weight is `dominance` times theirs.
    `noise`: a number, or one for each population.
    """
    weights, networks, depth = [], {}, 0
    for name, (layers, blocks) in populations.items():
        networks[name] = [slice(start, start + layers) for start in range(depth, depth + layers * len(blocks), layers)]
        depth += layers * len(blocks)
        own = noise[name] if isinstance(noise, dict) else noise
        for block in blocks:
            shared = np.exp(-((np.linspace(0, 1, layers)[:, None] - PLACES) ** 2) / (2 * SPREAD**2))
            inside = np.zeros((layers, 1))
            if block:
                inside[slice(*block)] = 1
            weights.append((shared, np.eye(layers) * np.sqrt(own * BUMP), inside * np.sqrt(dominance * BUMP)))
    rows = np.concatenate([shared for shared, _, _ in weights])
    for part in (1, 2):
        rows = np.hstack([rows, block_diagonal([network[part] for network in weights])])
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return NetworkMaps(rows @ rows.T, networks)


def block_diagonal(parts):
    whole = np.zeros(np.sum([part.shape for part in parts], axis=0))
    row = column = 0
    for part in parts:
        whole[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + part.shape[0], column + part.shape[1]
    return whole
