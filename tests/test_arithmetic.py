"""'mixed' is bfloat16 where this processor is faster with it, decided once and kept."""

import json

import pytest
import torch

from lib.training import arithmetic


@pytest.fixture
def undecided(artifacts, monkeypatch):
    """No decision in memory, on a processor that has bfloat16; those made here are forgotten."""
    arithmetic._bfloat16_is_faster.cache_clear()
    monkeypatch.setattr(arithmetic, "instruction_sets", lambda: {"avx512_bf16"})
    yield artifacts
    arithmetic._bfloat16_is_faster.cache_clear()


@pytest.mark.parametrize("gain, used", [(0.7, "float32"), (1.05, "float32"), (1.7, "bfloat16")])
def test_the_faster_arithmetic_is_taken_and_kept_for_other_processes(undecided, monkeypatch, gain, used):
    monkeypatch.setattr(arithmetic, "bfloat16_gain", lambda: gain)
    assert arithmetic.used("mixed", "cpu") == used
    ((processor, kept),) = json.loads((undecided / "arithmetic.json").read_text()).items()
    assert kept == gain and torch.__version__ in processor
    arithmetic._bfloat16_is_faster.cache_clear()
    monkeypatch.setattr(arithmetic, "bfloat16_gain", None)  # would fail if it were measured again
    assert arithmetic.used("mixed", "cpu") == used


@pytest.mark.parametrize("content", [b"", b"[]", b'{"x": ', b"\xff", b"[" * 100_000, None])
def test_where_the_file_says_nothing_it_is_measured_and_written_again(undecided, monkeypatch, content):
    path = undecided / "arithmetic.json"
    path.mkdir() if content is None else path.write_bytes(content)
    monkeypatch.setattr(arithmetic, "bfloat16_gain", lambda: 1.7)
    assert arithmetic.used("mixed", "cpu") == "bfloat16" and list(json.loads(path.read_bytes()).values()) == [1.7]


def test_in_a_read_only_store_nothing_is_written(undecided, monkeypatch):
    monkeypatch.setattr(arithmetic, "keeps", lambda: False)
    monkeypatch.setattr(arithmetic, "bfloat16_gain", lambda: 1.7)
    assert arithmetic.used("mixed", "cpu") == "bfloat16" and not list(undecided.iterdir())


def test_a_processor_that_only_imitates_bfloat16_is_not_measured(undecided, monkeypatch):
    monkeypatch.setattr(arithmetic, "instruction_sets", lambda: {"avx2"})
    monkeypatch.setattr(arithmetic, "bfloat16_gain", None)
    assert arithmetic.used("mixed", "cpu") == "float32" and not list(undecided.iterdir())


def test_measuring_gives_a_ratio_and_leaves_streams_and_threads_alone():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    assert 0.05 < arithmetic.bfloat16_gain() < 50
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads


def test_only_bfloat16_computes_otherwise():
    a, b = torch.randn(8, 8), torch.randn(8, 8)
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        with arithmetic.autocast(name, "cpu"):
            assert (a @ b).dtype == dtype
