"""Widths that all families share and widths by family."""

import numpy as np

from lib import family_widths

TABLE = {"cnn-small": [4, 8], "resnet-small": [2, 4, 16]}


def test_a_list_is_every_family_s_and_a_table_each_its_own():
    assert family_widths.by_family([4, 8], ["b", "a"]) == {"b": [4, 8], "a": [4, 8]}
    assert family_widths.by_family(TABLE, ["resnet-small"]) == {"resnet-small": [2, 4, 16]}


def test_a_table_of_one_list_is_that_list():
    assert family_widths.one_if_alike({"a": [4, 8], "b": [4, 8]}) == [4, 8]
    assert family_widths.one_if_alike({"a": [4]}) == [4]
    assert family_widths.one_if_alike(TABLE) == TABLE


def test_all_widths_and_all_steps_are_those_of_some_family():
    assert family_widths.union(TABLE) == [2, 4, 8, 16]
    assert family_widths.all_steps(TABLE) == [(2, 4), (4, 8), (4, 16)]


def test_the_middle_is_one_that_all_families_have():
    assert family_widths.middle({"a": [2, 4, 8, 16, 32]}) == {"a": 8}
    assert family_widths.middle({"a": [2, 4], "b": [2, 4]}) == {"a": 4, "b": 4}
    assert family_widths.middle({"a": [4, 8, 16], "b": [4, 8, 16, 32]}) == {"a": 8, "b": 8}
    assert family_widths.middle({"a": [4, 8, 16], "b": [5, 10]}) == {"a": 8, "b": 10}


def test_a_table_has_a_dash_where_a_family_lacks_the_width():
    found = family_widths.table({"cnn-small": {4: 3, 8: 5}, "resnet-small": {2: 0, 8: 7}})
    assert found.index.name == "k" and found.index.tolist() == [2, 4, 8]
    assert found.to_dict("list") == {"cnn-small": ["–", 3, 5], "resnet-small": [0, "–", 7]}
    whole = family_widths.table({"cnn-small": {4: 3, 8: 5}})
    assert np.issubdtype(whole["cnn-small"].dtype, np.integer)  # written as numbers are
