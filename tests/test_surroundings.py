"""Whatever surrounds a process, a population is trained, stored and found again where it was moved."""

import os
import subprocess
import sys

from stored_files import contents

from lib.runtime.files import ROOT
from lib.training import workers
from lib.training.populations import train_or_load

# In worker processes, which are copies of a process that begins anew in these surroundings.
TRAINS = """
from lib import data
from lib.training.populations import train_or_load
from lib.training.specification import specify

digits = data.load("digits", n_train=60, n_test=20)
tiny = specify(digits, "cnn-small", 2, epochs=2, batch_size=25)
print(len(train_or_load({tiny: range(4)})[tiny]), "networks of \u03c1")
"""
# No home, no search path, and the language C.
SURROUNDINGS = {"HOME": None, "PATH": None, "LANGUAGE": None, "LANG": "C", "LC_ALL": "C"}


def test_networks_are_the_same_bytes_in_odd_surroundings_and_wherever_they_are_moved(
    tiny, artifacts, inline, monkeypatch
):
    there, moved = artifacts / "a folder, \u03c1", artifacts / "moved" / "elsewhere"
    given = os.environ | {"PYTHONPATH": str(ROOT), "GREATMINDS_ARTIFACTS": str(there)} | SURROUNDINGS
    surroundings = {name: value for name, value in given.items() if value is not None}
    result = subprocess.run([sys.executable, "-c", TRAINS], cwd=artifacts, env=surroundings, capture_output=True)
    assert result.stdout.decode().split() == ["4", "networks", "of", "\u03c1"], result.stderr.decode()
    train_or_load({tiny: range(4)}, inline)
    assert contents(there) == contents(artifacts / "networks")
    moved.parent.mkdir()
    there.rename(moved)
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(moved))
    monkeypatch.setattr(workers, "train", None)  # nothing is trained again
    assert len(train_or_load({tiny: range(4)}, inline)[tiny]) == 4
