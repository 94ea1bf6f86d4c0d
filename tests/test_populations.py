"""Train what is missing, load the rest: the same networks however, wherever and in however many attempts."""

import dataclasses
import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from lib import data
from lib.runtime.tasks import local_executor
from lib.training import populations, store, trainer, workers
from lib.training.populations import train_or_load
from lib.training.specification import specify

SEEDS = range(8)  # two stacks of four


def files(folder, suffix=".safetensors"):
    """name -> bytes"""
    return {path.name: path.read_bytes() for path in folder.rglob(f"*{suffix}")}


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("seed-*") if path.suffix != ".damaged"}


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """The weights of seeds 0 to 7, trained without a break by two worker processes."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch, local_executor(2) as executor:
        patch.setenv("GREATMINDS_ARTIFACTS", str(folder))
        train_or_load({tiny: SEEDS}, executor)
    assert len(files(folder)) == 16  # eight networks after one and after two epochs
    return files(folder)


def test_one_worker_process_gives_the_bytes_of_two(tiny, whole, artifacts):
    with local_executor(1) as executor:
        assert len(train_or_load({tiny: [5]}, executor)[tiny]) == 1
    assert files(artifacts) == {name: whole[name] for name in sorted(whole)[8:]}


@pytest.mark.parametrize("seeds", [[5], [7, 0], list(reversed(SEEDS)), range(3, 6)])
def test_a_seed_is_the_same_bytes_whatever_it_is_asked_for_with(tiny, whole, artifacts, inline, seeds):
    population = train_or_load({tiny: seeds}, inline)[tiny]
    assert [network.seed for network in population.networks] == list(seeds)
    assert files(artifacts).items() <= whole.items()


def test_other_families_in_the_same_call_change_nothing(tiny, whole, digits, artifacts, inline):
    other = specify(digits, "resnet-small", 2, epochs=1)
    found = train_or_load({other: [1], tiny: [2]}, inline)
    assert list(found) == [other, tiny] and len(found[other]) == 1
    path = store.paths(tiny, 2)[0]
    assert path.read_bytes() == whole[path.name]


def test_the_number_of_threads_of_the_calling_process_changes_nothing(tiny, whole, artifacts, inline, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train_or_load({tiny: SEEDS}, inline)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert files(artifacts) == whole


def test_threads_do_as_well_as_processes(tiny, whole, artifacts):
    with ThreadPoolExecutor(2) as executor:
        train_or_load({tiny: SEEDS}, executor)
    assert files(artifacts) == whole


def test_what_is_stored_is_loaded_and_not_written_again(tiny, artifacts, inline, monkeypatch):
    first = train_or_load({tiny: SEEDS}, inline)[tiny]
    before = times(artifacts)
    monkeypatch.setattr(workers, "train", None)  # would fail if it were called
    again = train_or_load({tiny: SEEDS}, inline)[tiny]
    assert times(artifacts) == before
    for a, b in zip(first.networks, again.networks, strict=True):
        assert a.seed == b.seed and all(torch.equal(a.state[name], b.state[name]) for name in a.state)


def test_completing_a_stack_leaves_its_stored_networks_alone(tiny, artifacts, inline):
    train_or_load({tiny: [0]}, inline)
    for path in store.paths(tiny, 2):
        path.unlink()
    before = times(artifacts)
    train_or_load({tiny: [2, 3]}, inline)
    assert before.items() <= times(artifacts).items()


def test_models_are_the_networks_in_eval_mode(tiny, artifacts, inline):
    population = train_or_load({tiny: [3, 1, 1, 3]}, inline)[tiny]
    assert len(population) == 2 and population.specification is tiny
    for model, network in zip(population.models(), population.networks, strict=True):
        assert not any(module.training for module in model.modules())
        assert all(torch.equal(value, network.state[name]) for name, value in model.state_dict().items())


def test_a_diverged_network_is_named_left_out_and_harms_no_other(tiny, whole, artifacts, inline, monkeypatch):
    initialise = trainer.initialise

    def broken_for_seed_2(model, generator):
        seed = generator.initial_seed()
        model = initialise(model, generator)
        if seed == tiny.generator(2, "weights").initial_seed():
            torch.nn.init.constant_(model.fc.weight, float("nan"))
        return model

    monkeypatch.setattr(trainer, "initialise", broken_for_seed_2)
    for _ in ("trained", "loaded"):
        with pytest.warns(UserWarning, match="cnn-small k=2 on digits, seed 2: .*not finite.*left out") as caught:
            population = train_or_load({tiny: range(4)}, inline)[tiny]
        assert len(caught) == 1
        assert [network.seed for network in population.networks] == [0, 1, 3]
    for seed in (0, 1, 3):
        path = store.paths(tiny, seed)[0]
        assert path.read_bytes() == whole[path.name]


def test_a_population_of_which_every_network_diverged_is_empty(tiny, artifacts, inline):
    wild = dataclasses.replace(tiny, learning_rate=1e30)
    with pytest.warns(UserWarning, match="not finite") as caught:
        assert len(train_or_load({wild: range(2)}, inline)[wild]) == 0
    assert sorted(str(warning.message).split(":")[0][-1] for warning in caught) == ["0", "1"]


def test_a_training_that_fails_is_named_and_stops_no_other(tiny, whole, artifacts, inline, monkeypatch):
    train = workers.train

    def failing(specification, seeds, *rest, **options):
        if 0 in seeds:
            raise ArithmeticError("no luck")
        return train(specification, seeds, *rest, **options)

    monkeypatch.setattr(workers, "train", failing)
    with pytest.raises(RuntimeError, match="1 of 2 trainings failed.*cnn-small k=2 on digits, seeds 0 to 3: no luck"):
        train_or_load({tiny: SEEDS}, inline)
    assert files(artifacts) == {name: whole[name] for name in sorted(whole)[8:]}


def test_images_that_are_not_those_specified_are_refused(tiny, artifacts, inline):
    with pytest.raises(RuntimeError, match="images of 'digits' are not those that were specified"):
        train_or_load({dataclasses.replace(tiny, train_digest="0"): [0]}, inline)


@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_network_is_trained_again_to_the_same_bytes(tiny, whole, artifacts, inline, which):
    train_or_load({tiny: SEEDS}, inline)
    path = store.paths(tiny, 3)[which]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="seed 3: .*set aside"):
        assert len(train_or_load({tiny: SEEDS}, inline)[tiny]) == 8
    assert files(artifacts) == whole


RUN = """
import multiprocessing, os, signal, sys
from concurrent.futures import ThreadPoolExecutor
from lib import data
from lib.training import workers
from lib.training.populations import train_or_load
from lib.training.specification import specify

digits = data.load("digits", n_train=60, n_test=20)
tiny = specify(digits, "cnn-small", 2, epochs=4, batch_size=25)
"""
# Kills itself when a file would get its name, within the writing of an epoch.
KILLED_WRITING = (
    RUN
    + """
left, replace = int(sys.argv[1]), os.replace

def replace_or_die(source, target):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)

os.replace = replace_or_die
train_or_load({tiny: range(4)}, ThreadPoolExecutor(1))
"""
)
# Kills itself when the first stack is there, while its workers train others, of which it tells.
KILLED_WITH_WORKERS = (
    RUN
    + """
def tell_and_die(*_):
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

workers._keep = tell_and_die
train_or_load({tiny: range(16)})
"""
)


def killed(script, artifacts, *arguments):
    """What the script wrote before it killed itself."""
    errors = artifacts / "errors"
    with errors.open("w") as file:
        result = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
    assert result.returncode == -signal.SIGKILL, errors.read_text()
    return result.stdout


@pytest.mark.parametrize("renames", [1, 18, 31, *(pytest.param(count, marks=pytest.mark.slow) for count in (2, 9, 21))])
def test_a_training_killed_while_it_writes_loses_an_epoch_at_most_and_ends_in_the_same_bytes(
    tiny, artifacts, inline, monkeypatch, renames
):
    """Two files a network and epoch, four networks: the kill comes in epoch (renames - 1) // 8."""
    longer = dataclasses.replace(tiny, epochs=4)
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(artifacts / "whole"))
    train_or_load({longer: range(4)}, inline)
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", str(artifacts / "killed"))
    killed(KILLED_WRITING, artifacts, str(renames))
    begun = []
    monkeypatch.setattr(
        workers,
        "train",
        lambda *arguments, start, **options: begun.extend(start) or trainer.train(*arguments, start=start, **options),
    )
    assert len(train_or_load({longer: range(4)}, inline)[longer]) == 4
    assert {network.epochs for network in begun} == ({(renames - 1) // 8} - {0})
    assert files(artifacts / "killed") == files(artifacts / "whole")
    assert len(files(artifacts / "killed")) == 12  # after 1, 2 and 4 epochs


def gone(process):
    """Waits until a process that is not our child has ended; False if it does not in a time that is ample."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 30)[0])
    finally:
        os.close(handle)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open to watch processes")
def test_a_killed_training_leaves_no_workers(artifacts):
    pids = [int(process) for process in killed(KILLED_WITH_WORKERS, artifacts).split()]
    left = [process for process in pids if not gone(process)]
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert pids and not left


# Is interrupted, as by Ctrl-C in a notebook, when the first stack is there: the other trainings would take an hour.
INTERRUPTED = (
    RUN
    + """
def interrupt(*_):
    signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
workers._keep = interrupt
long = specify(digits, "cnn-small", 32, epochs=10**6, batch_size=25)
train_or_load({long: [0], tiny: range(4)})
"""
)


def test_an_interrupt_ends_the_workers_and_is_passed_on(artifacts):
    """subprocess.run returns when the process and all that hold its pipe, its workers, have ended."""
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=Path(__file__).parents[1], capture_output=True, text=True
    )
    assert "KeyboardInterrupt" in result.stderr and result.returncode != 0


def test_one_training_after_several_numbers_of_epochs_is_trained_once(tiny, artifacts, inline, monkeypatch):
    starts = []
    monkeypatch.setattr(
        workers,
        "train",
        lambda specification, *arguments, start, **options: (
            starts.append((len(start) and start[0].epochs, specification.epochs))
            or trainer.train(specification, *arguments, start=start, **options)
        ),
    )
    wanted = [dataclasses.replace(tiny, epochs=epochs) for epochs in (7, 3, 4)]
    found = train_or_load({specification: [0] for specification in wanted}, inline)
    assert starts == [(0, 3), (3, 4), (4, 7)]
    assert [found[specification].networks[0].epochs for specification in wanted] == [7, 3, 4]
    short = found[wanted[1]].networks[0]
    assert short.test_epochs == [1, 2, 3] and found[wanted[0]].networks[0].train_loss[:3] == short.train_loss


def test_other_test_images_evaluate_what_is_there_and_train_nothing(tiny, digits, artifacts, inline, monkeypatch):
    first = train_or_load({tiny: SEEDS}, inline)[tiny]
    more = data.load("digits", n_train=60, n_test=40)
    other = specify(more, "cnn-small", 2, epochs=2, batch_size=25)
    before = files(artifacts)
    monkeypatch.setattr(trainer._Stack, "run_epoch", None)  # would fail if it were called
    found = train_or_load({other: SEEDS}, inline)[other]
    assert files(artifacts) == before and other.key == tiny.key
    for a, b, model in zip(first.networks, found.networks, found.models(), strict=True):
        assert b.test_epochs == [2] and a.test_epochs == [1, 2]
        with torch.no_grad():
            hits = model(more.test_images).argmax(1) == more.test_labels
        assert b.test_accuracy == [pytest.approx(hits.float().mean().item())]


def test_a_grid_asks_for_its_families_and_widths_and_seeds(digits, artifacts, inline, monkeypatch):
    asked = []
    monkeypatch.setattr(
        populations,
        "train_or_load",
        lambda requests: asked.append(requests) or {specification: [specification] * 3 for specification in requests},
    )
    grid = populations.population_grid(
        digits, ["cnn-small", "resnet-small"], [2, 3], {"cnn-small": 4, "resnet-small": 5, "cnn-large": 6}, epochs=1
    )
    assert list(grid) == [("cnn-small", 2), ("cnn-small", 3), ("resnet-small", 2), ("resnet-small", 3)]
    for (family, width), (specification, *_) in grid.items():
        assert specification == specify(digits, family, width, epochs=1)
        assert list(asked[0][specification]) == list(range(4 if family == "cnn-small" else 5))


def test_a_grid_takes_widths_by_family(digits, artifacts, inline, monkeypatch):
    monkeypatch.setattr(populations, "train_or_load", lambda requests: {key: [key] * 3 for key in requests})
    grid = populations.population_grid(
        digits,
        ["resnet-small", "cnn-small"],
        {"cnn-small": [2, 3], "resnet-small": [3, 4, 5], "vit": [2]},
        {"cnn-small": 3, "resnet-small": 3},
        epochs=1,
    )
    assert list(grid) == [*(("resnet-small", width) for width in (3, 4, 5)), ("cnn-small", 2), ("cnn-small", 3)]
    assert all(specification == specify(digits, *key, epochs=1) for key, (specification, *_) in grid.items())


def test_a_grid_with_a_population_of_fewer_than_three_is_refused_in_a_sentence(digits, artifacts, inline, monkeypatch):
    monkeypatch.setattr(populations, "train_or_load", lambda requests: {key: [0, 1] for key in requests})
    with pytest.raises(ValueError, match="cnn-small k=2 on digits: 2 of its networks kept a finite loss"):
        populations.population_grid(digits, ["cnn-small"], [2], {"cnn-small": 3})


@pytest.fixture
def nothing_used(monkeypatch):
    monkeypatch.setattr(populations, "_used", {})


def test_networks_count_once_however_often_they_are_asked_for_and_with_the_time_of_their_training(
    tiny, artifacts, inline, nothing_used
):
    assert populations.networks_used()["networks"] == 0 and populations.networks_used()["data"] == {}
    trained = train_or_load({tiny: [0, 1]}, inline)[tiny]
    first = populations.networks_used()
    assert first["networks"] == 2 and first["devices"] == [trained.networks[0].device]
    assert first["training_hours"] == pytest.approx(sum(network.seconds for network in trained.networks) / 3600)
    assert first["data"] == {
        "digits": [{"train": 60, "test": 20, "train_sha256": tiny.train_digest, "test_sha256": tiny.test_digest}]
    }
    train_or_load({tiny: [0, 1]})
    assert populations.networks_used() == first
    train_or_load({tiny: [2]})  # stored beside the others, because they were trained together
    assert populations.networks_used()["networks"] == 3


def test_the_machine_has_a_number_of_cores_and_a_name():
    cores, name = populations.machine().split(" cores of ")
    assert int(cores) >= 1 and name
