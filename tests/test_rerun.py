"""A chapter is run again by papermill: with the user's parameters, or not at all, in one sentence."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from lib.runtime.files import ROOT

STUDY = "test-of-a-rerun"


def papermill(tmp_path, *parameters):
    """The plain papermill command on chapter 3, with an empty store of networks."""
    options = [word for name, value in parameters for word in ("-p", name, value)]
    command = [
        sys.executable,
        "-m",
        "papermill",
        "notebooks/03_individual_similarity.ipynb",
        str(tmp_path / "out.ipynb"),
        "--no-progress-bar",
        *options,
    ]
    environment = {**os.environ, "GREATMINDS_ARTIFACTS": str(tmp_path / "artifacts")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("widhts", "[4, 8]", "unknown parameter 'widhts'; did you mean 'widths'?"),
        ("grid", "16", "grid must be a whole number from 1 to 8, the size of the gradients, or None, not 16"),
    ],
)
def test_a_mistake_is_refused_in_one_sentence_before_any_work(tmp_path, name, value, sentence):
    study = f"{STUDY}-with-{name}"
    result = papermill(tmp_path, (name, value), ("study", study))
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr.split("Exception encountered at")[1]
    assert not (tmp_path / "artifacts").exists() and not (ROOT / "results" / study).exists()


def test_a_chapter_runs_again_with_the_users_parameters(tmp_path):
    before = {path: path.read_bytes() for path in (ROOT / "results").glob("[bd]*/*.json")}
    try:
        result = papermill(
            tmp_path,
            ("widths", "[2, 4]"),
            ("families", "[cnn-small]"),
            ("seeds", "3"),
            ("epochs", "1"),
            ("bootstrap_draws", "100"),
            ("study", STUDY),
        )
        assert result.returncode == 0, result.stderr
        written = json.loads((ROOT / "results" / STUDY / "03_individual_similarity.json").read_text())
    finally:
        shutil.rmtree(ROOT / "results" / STUDY, ignore_errors=True)
    assert written["parameters"]["widths"] == [2, 4] and written["parameters"]["seeds"] == {"cnn-small": 3}
    values = written["numbers"]["expected"]["cnn-small"]["estimate"]
    assert values[0][1] == values[1][0] and all(-1 <= value <= 1 for row in values for value in row)
    assert {claim["verdict"] for claim in written["claims"]} <= {"supported", "contradicted", "undecided", "not tested"}
    # Three networks are too few for Table 1, which needs four; the rest of the chapter does not mind.
    assert written["numbers"]["wasserstein"] == {} and len(written["claims"]) == 4
    assert before == {path: path.read_bytes() for path in (ROOT / "results").glob("[bd]*/*.json")}
