"""Train what is missing, load the rest: the same networks however, wherever and in however many attempts."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from stored_files import contents, flip

from lib import data
from lib.runtime.tasks import local_executor
from lib.training import store, trainer, workers
from lib.training.populations import train_or_load
from lib.training.specification import Specification, specify

SEEDS = range(8)  # two stacks of four


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("seed-*") if path.suffix != ".damaged"}


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """The weights of seeds 0 to 7, trained without a break in this process."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as executor:
        patch.setenv("GREATMINDS_ARTIFACTS", str(folder))
        train_or_load({tiny: SEEDS}, executor)
    assert len(contents(folder)) == 16  # eight networks after one and after two epochs
    return contents(folder)


def test_two_worker_processes_give_the_bytes_of_this_one(tiny, whole, artifacts):
    with local_executor(2) as executor:
        assert len(train_or_load({tiny: SEEDS}, executor)[tiny]) == 8
    assert contents(artifacts) == whole


@pytest.mark.parametrize("seeds", [[5], [7, 0], list(reversed(SEEDS)), range(3, 6)])
def test_a_seed_is_the_same_bytes_whatever_it_is_asked_for_with(tiny, whole, artifacts, inline, seeds):
    population = train_or_load({tiny: seeds}, inline)[tiny]
    assert [network.seed for network in population.networks] == list(seeds)
    assert contents(artifacts).items() <= whole.items()


def test_other_families_in_the_same_call_change_nothing(tiny, whole, digits, artifacts, inline):
    other = specify(digits, "resnet-small", 2, epochs=1)
    found = train_or_load({other: [1], tiny: [2]}, inline)
    assert list(found) == [other, tiny] and len(found[other]) == 1
    path = store.paths(tiny, 2)[0]
    assert path.read_bytes() == whole[path.name]


def test_the_number_of_threads_of_the_calling_process_changes_nothing(tiny, whole, artifacts, inline, two_threads):
    train_or_load({tiny: SEEDS}, inline)
    assert contents(artifacts) == whole


def test_threads_do_as_well_as_processes(tiny, whole, artifacts):
    with ThreadPoolExecutor(2) as executor:
        train_or_load({tiny: SEEDS}, executor)
    assert contents(artifacts) == whole


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
    initial = Specification.initial

    def broken_for_seed_2(specification, seed):
        model = initial(specification, seed)
        if seed == 2:
            torch.nn.init.constant_(model.fc.weight, float("nan"))
        return model

    monkeypatch.setattr(Specification, "initial", broken_for_seed_2)
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
    assert contents(artifacts) == {name: whole[name] for name in sorted(whole)[8:]}


@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_network_is_trained_again_to_the_same_bytes(tiny, whole, artifacts, inline, which):
    train_or_load({tiny: SEEDS}, inline)
    flip(store.paths(tiny, 3)[which])
    with pytest.warns(UserWarning, match="seed 3: .*set aside"):
        assert len(train_or_load({tiny: SEEDS}, inline)[tiny]) == 8
    assert contents(artifacts) == whole


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
    before = contents(artifacts)
    monkeypatch.setattr(trainer._Stack, "run_epoch", None)  # would fail if it were called
    found = train_or_load({other: SEEDS}, inline)[other]
    assert contents(artifacts) == before and other.key == tiny.key
    for a, b, model in zip(first.networks, found.networks, found.models(), strict=True):
        assert b.test_epochs == [2] and a.test_epochs == [1, 2]
        with torch.no_grad():
            hits = model(more.test_images).argmax(1) == more.test_labels
        assert b.test_accuracy == [pytest.approx(hits.float().mean().item())]


def test_the_bar_tells_how_many_networks_are_asked_for_and_how_many_come_along(tiny, artifacts, inline, monkeypatch):
    told = []
    monkeypatch.setattr(workers, "run_tasks", lambda tasks, finish, description, *_: told.append(description))
    with pytest.raises(RuntimeError, match="seed 0: its files did not stay"):
        train_or_load({tiny: range(3)}, inline)
    assert told == ["training 3 networks and 1 of their stacks"]
