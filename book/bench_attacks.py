"""Chapter 7 on the rule bench: with other steps, and other summaries of what they do."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from bench_outcomes import Outcomes, judgements
from lib import attacks, data, gates
from lib.attacks import attack_transfer
from lib.chapters.black_box_attack import ATTACKS, Attacked, source_means
from lib.family_widths import by_family
from lib.training.populations import population_grid, test_accuracies

STEP, SUMMARY = "step ε of the attack", "summary of its outcome"


def attack_bench(p: SimpleNamespace, steps: Sequence[float]) -> Outcomes:
    """Every family attacked within itself, in each of these steps; networks, images and draws are the chapter's."""
    images = data.load(p.dataset, n_train=p.n_train, n_test=p.n_test)
    chosen = data.mixed_order(images.test_labels)[: p.attack_images]
    shown, labels = images.test_images[chosen], images.test_labels[chosen]
    groups, widths = p.attack_networks or min(6, *p.seeds.values()), by_family(p.widths, p.families)
    found = Outcomes(
        {STEP: steps, SUMMARY: attacks.SUMMARIES},
        {STEP: p.main_eps, SUMMARY: attacks.MAIN_SUMMARY},
        ("width k of the attacking networks", "α, mean over targets"),
    )
    signs = np.random.default_rng([p.random_seed, 0])
    draws = {step: np.random.default_rng([p.random_seed, 1 if step == p.main_eps else 4]) for step in steps}
    for family in p.families:
        grid = population_grid(images, [family], widths, p.seeds, epochs=p.epochs, precision=p.precision)
        learnt = gates.of_families(test_accuracies(grid), p.dataset, len(images.classes))[family]
        ready = [attack_transfer.prepare(population, shown, labels, groups) for population in grid.values()]
        sources = {
            **{k: attack_transfer.single(networks) for k, networks in zip(widths[family], ready)},
            "mean": attack_transfer.mean_direction(ready[:-1]),
            "random": attack_transfer.random_source(groups, shown, signs),
        }
        for step, rng in draws.items():
            transfer = attack_transfer.attack(sources, ready, shown, labels, step)
            for summary, outcome in transfer.resampled(rng).items():
                at = {STEP: step, SUMMARY: summary}
                found.add(at, judgements(ATTACKS, Attacked(outcome, widths[family]), learnt, family=family))
                found.draw(at, family, widths[family], outcome.interval(source_means))
    return found
