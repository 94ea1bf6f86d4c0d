"""The verdicts of appendix 2 follow from the changes per doubling, its tables and pictures from the numbers."""

import numpy as np
import planted_measures
import pytest

from lib.chapters.scale import distance_table, scale_claims
from lib.effects.scale import IMAGES, lines
from lib.effects.scale import effects as effects_along
from lib.released.heatmaps import WIDTHS

FOUND = lines([150, 300, 600], [10, 20], 600, 20)
SETTINGS = tuple(dict.fromkeys(setting for line in FOUND.values() for setting in line))
PICTURE = np.where(np.eye(len(WIDTHS), dtype=bool), np.nan, 0.0064 * np.outer(WIDTHS, WIDTHS) ** 0.44)
RHO = [0.1, 0.2, 0.4, 0.3]  # doubles with the images; from 0.3 at 10 epochs to 0.4 at 20


def measures(*similarity, noise=1e-4):
    return planted_measures.measures(SETTINGS, *similarity, noise=noise)


@pytest.mark.parametrize(
    "rho, noise, verdicts",
    [
        (RHO, 1e-4, ("supported", "supported")),
        ([0.4, 0.3, 0.2, 0.3], 1e-4, ("contradicted", "contradicted")),
        ([0.1, 0.2, 0.4, 0.5], 1e-4, ("supported", "contradicted")),
        (RHO, 1, ("undecided", "undecided")),
    ],
)
def test_the_sign_of_the_interval_decides_for_each_line_by_itself(rho, noise, verdicts):
    found = measures(rho, rho, noise=noise)
    more_images, more_epochs = scale_claims("vit", found, FOUND, [])
    assert (more_images.name, more_epochs.name) == ("A2-more-images-vit", "A2-more-epochs-vit")
    assert (more_images.verdict, more_epochs.verdict) == verdicts
    assert (more_images.networks, more_epochs.networks, more_images.images) == (8, 8, 25)
    change = effects_along(found, FOUND)[IMAGES]["similarity"]
    np.testing.assert_allclose((more_images.estimate, more_images.low, more_images.high), change)


def test_doublings_to_the_picture_are_counted_where_a_line_leads_there():
    """Images that halve the similarity lead to the picture's, which is lower; so do not epochs that raise it."""
    target = 0.0064 * 8**0.88

    def told(found, family="cnn-small", dataset="cifar10", widths=(2, 8)):
        return distance_table(family, found, FOUND, widths, dataset, PICTURE)

    falling = measures([0.5] * 4, [16 * target, 8 * target, 4 * target, 2 * target])
    table = told(falling)
    assert table["doublings it would take"][0].startswith("2.0")
    assert table["doublings it would take"][1] == "leads away"
    assert list(table["doublings between the two"]) == ["6.4", "2.3"]  # 50,000 / 600 and 100 / 20
    flat, negative = measures([0.5] * 4, [0.2] * 4, noise=0.05), measures([0.5] * 4, [0.1, 0.1, -0.1, 0.1])
    for undecided in (flat, negative):
        assert set(told(undecided)["doublings it would take"]) == {"undecided"}
    assert told(falling, dataset="digits").empty and told(falling, "vit").empty and told(falling, widths=(2, 4)).empty
