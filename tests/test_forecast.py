"""A forecast of hours: linear in what is left, larger for what costs more."""

import dataclasses

import pytest

from lib.training import forecast


def test_hours_are_images_times_seconds(tiny):
    other = dataclasses.replace(tiny, width=3)
    rates = {tiny: 0.001, other: 0.002}
    assert forecast.hours({tiny: 10, other: 5}, rates, 2) == pytest.approx((10 * 60 * 0.001 + 5 * 60 * 0.002) / 7200)
    assert forecast.hours({tiny: 0}, rates, 2) == 0


def test_widths_between_two_measured_ones_lie_on_the_line(tiny, monkeypatch):
    """With 2, 3 and 4 units of work and 10 and 20 seconds at the ends."""
    measured = []
    monkeypatch.setattr(forecast, "multiplications", lambda one: one.width)
    monkeypatch.setattr(forecast, "_measure", lambda one, seconds: measured.append(one.width) or 5.0 * one.width)
    wanted = [dataclasses.replace(tiny, width=width) for width in (2, 3, 4)]
    rates = forecast.seconds_per_image(wanted)
    assert sorted(measured) == [2, 4] and [rates[one] for one in wanted] == [10, 15, 20]


def test_a_single_width_is_measured_and_the_length_of_a_training_changes_nothing(tiny, monkeypatch):
    monkeypatch.setattr(forecast, "SECONDS", 0.0)
    longer = dataclasses.replace(tiny, epochs=50)
    rates = forecast.seconds_per_image([tiny, longer])
    assert rates[tiny] == rates[longer] > 0
