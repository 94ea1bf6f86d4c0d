"""Geometry of the unit sphere and distributions on it."""

from lib.sphere.distributions import (
    checked_cosines,
    cosine_tail,
    tangent_normal,
    uniform_cdf,
    uniform_directions,
    uniform_logpdf,
    uniform_pdf,
    vmf_concentration,
    vmf_fit,
    vmf_log_normaliser,
    vmf_mean_resultant,
)

__all__ = [
    "checked_cosines",
    "cosine_tail",
    "tangent_normal",
    "uniform_cdf",
    "uniform_directions",
    "uniform_logpdf",
    "uniform_pdf",
    "vmf_concentration",
    "vmf_fit",
    "vmf_log_normaliser",
    "vmf_mean_resultant",
]
