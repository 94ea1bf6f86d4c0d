"""Calls with the arguments that they had at revision 5547264: tests/moved.json names them to scripts of that time."""

from types import SimpleNamespace

from lib.cka import estimators, maps


def linear_cka(x, y, estimator):
    return estimators.linear_cka(x, y, unbiased=estimator == "unbiased")


def minibatch_cka(models, images, points, *, estimator="unbiased", **sampling):
    return SimpleNamespace(
        values=maps.network_cka(models, images, points, unbiased=estimator == "unbiased", **sampling)
    )
