"""In which numbers a network is trained: `precision = "mixed"` is bfloat16 where this machine is faster with it.

With bfloat16 the weights, the statistics of BatchNorm and the loss stay float32; convolutions and linear layers round
their inputs and outputs to 8 bits of mantissa (PyTorch's autocast).
"""

import json
import time
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path

import torch
from torch.nn import functional as F

from lib.models.architectures import build
from lib.runtime.devices import instruction_sets, one_thread, processor
from lib.runtime.files import artifacts, set_aside, write_whole
from lib.runtime.room import keeps

# Flags of /proc/cpuinfo of processors that multiply bfloat16 in hardware; others only imitate it.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"}
WORTHWHILE = 1.1  # how many times as fast bfloat16 must be: below, noise would decide
REPETITIONS, STEPS, BATCH = 5, 3, 64


def used(precision: str, device: str) -> str:
    """What 'mixed' means on this device, 'bfloat16' or 'float32'; other precisions mean themselves."""
    return ("bfloat16" if _bfloat16_is_faster(device) else "float32") if precision == "mixed" else precision


def of_weights(precision: str) -> torch.dtype:
    """The type of the weights, whatever convolutions compute in."""
    return torch.float64 if precision == "float64" else torch.float32


def autocast(arithmetic: str, device: str) -> AbstractContextManager:
    """The context in which a network computes in this arithmetic."""
    return torch.autocast(torch.device(device).type, torch.bfloat16) if arithmetic == "bfloat16" else nullcontext()


@lru_cache
def _bfloat16_is_faster(device: str) -> bool:
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if not BFLOAT16_FLAGS & instruction_sets():
        return False
    # Kept, so that all processes and later runs decide alike.
    path = artifacts() / "arithmetic.json"
    known, here = _measured(path), f"{processor()}, torch {torch.__version__}"
    if not isinstance(known.get(here), float):
        known[here] = round(bfloat16_gain(), 2)
        if keeps():
            write_whole(path, json.dumps(known, indent=1).encode())
    return known[here] > WORTHWHILE


def _measured(path: Path) -> dict:
    """What earlier processes measured; nothing where the file does not say it, or a folder lies in its place."""
    try:
        found = json.loads(path.read_bytes())
    except IsADirectoryError:
        set_aside(path)
        return {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def bfloat16_gain() -> float:
    """How many times as fast one core trains cnn-small k = 8 on 32 x 32 pixels: the best of alternating runs.

    Their processor time is compared, and the best, so that what else runs on the machine does not decide.
    """
    with one_thread():
        runs = [[_seconds(arithmetic) for arithmetic in ("float32", "bfloat16")] for _ in range(REPETITIONS)]
    float32, bfloat16 = map(min, zip(*runs))
    return float32 / bfloat16


def _seconds(arithmetic: str) -> float:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("cnn-small", 8).to(memory_format=torch.channels_last)
        images = torch.randn(BATCH, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.arange(BATCH) % 10
    start = time.thread_time()
    for _ in range(STEPS):
        with autocast(arithmetic, "cpu"):
            logits = model(images)
        F.cross_entropy(logits.float(), labels).backward()
    return time.thread_time() - start
