"""The order of the chapters: each after those that train what it loads, several at once, the longest way to go first."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from lib import execution

# chapter -> those that store networks or directions which it loads: it begins after them, so that nothing is computed twice
DIRECTIONS, DEPTHS = ("02_populations", "03_individual_similarity"), ("11_block_structure",)
LOADS = {
    **dict.fromkeys(
        ("03_individual_similarity", "07_black_box_attack", "08_batch_size", "16_stitching"), ("02_populations",)
    ),
    **dict.fromkeys(
        ("04_hypotheses", "05_saw_distribution", "06_deep_ensembles", "09_vision_transformer", "A1_open_choices"),
        DIRECTIONS,
    ),
    **dict.fromkeys(("12_first_component", "13_probes_and_deletion", "14_across_networks", "15_predictions"), DEPTHS),
    "17_out_of_distribution": ("02_populations",),
    "18_three_views": DIRECTIONS,
    "19_which_measure": ("02_populations",),
    "20_while_they_learn": (*DIRECTIONS, "04_hypotheses", "A2_scale"),
    "21_foretold": DIRECTIONS,
    "A2_scale": (*DIRECTIONS, "A1_open_choices"),
    "own_models": (*DIRECTIONS, "09_vision_transformer"),
}
# About how many seconds of a core a chapter takes from nothing; all others take OTHERS.
SECONDS = {
    "02_populations": 390,
    "11_block_structure": 200,
    "09_vision_transformer": 200,
    "16_stitching": 190,
    "08_batch_size": 115,
    "17_out_of_distribution": 90,
    "07_black_box_attack": 90,
    "19_which_measure": 130,
    "04_hypotheses": 85,
    "10_released_models": 80,
    "15_predictions": 60,
    "A1_open_choices": 60,
    "13_probes_and_deletion": 40,
    "12_first_component": 35,
    "06_deep_ensembles": 35,
    "05_saw_distribution": 30,
    "18_three_views": 30,
    "20_while_they_learn": 60,
    "21_foretold": 30,
    "A2_scale": 30,
}
OTHERS = 15
PAUSE = 0.2  # seconds between two looks at what is being stopped


def in_turn(names: Sequence[str], work: Callable[[str], None], at_once: int) -> None:
    """work(name) for every chapter, `at_once` together, each after those whose networks it loads.

    Of the chapters that can begin, that with the longest way to go is the first, so that the end comes early.  After one
    that fails, which is told at once, no other begins, and its error comes out when those that run have ended.  Ctrl-C
    ends all and their kernels.
    """
    waiting, done = sorted(names, key=lambda name: -way_to_go(name, names)), set()
    running: dict[Future, str] = {}
    error: BaseException | None = None
    with ThreadPoolExecutor(at_once) as pool:
        try:
            while waiting or running:
                ready = [name for name in waiting if done.issuperset({*LOADS.get(name, ())} & {*names})]
                for name in ready[: at_once - len(running)]:
                    waiting.remove(name)
                    running[pool.submit(work, name)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done.add(running.pop(future))
                    if fault := future.exception():
                        error = error or fault
                        waiting.clear()
                        if running:
                            print(
                                f"{fault}\nstill at work, and no other begins: {', '.join(running.values())}",
                                file=sys.stderr,
                            )
        except KeyboardInterrupt:
            while wait(running, PAUSE).not_done:  # also a kernel that was just being started
                execution.kill_kernels()
            sys.exit(
                "\nstopped; finished chapters and what was trained are kept, and the same command goes on from there"
            )
    if error:
        raise error


def way_to_go(name: str, names: Sequence[str]) -> float:
    """SECONDS of a chapter and of the longest row of chapters that wait for it."""
    after = [way_to_go(later, names) for later in names if name in LOADS.get(later, ())]
    return SECONDS.get(name, OTHERS) + max(after, default=0)
