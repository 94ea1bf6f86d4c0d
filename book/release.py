"""Round and pack the trained networks of a study so that they come with the book: `make release STUDY=name`.

Of every population of the study's training lines the networks after the most epochs that all of them have reached, or
after EPOCHS.  The widths that book/studies.toml calls committed go to networks/, for the repository; the others to a
folder for uploading.  The checksums of both go to networks/STUDY.sha256, and from then on the study is computed from
these files.  What is there already and has not changed is left alone.
"""

import argparse
import sys
from dataclasses import dataclass, replace

import studies
from train import check_house, planned


@dataclass(frozen=True)
class Choice:
    """A population and after how many epochs it is released; None where some networks are not there."""

    specification: object
    seeds: int
    epochs: int | None


def choices(lines: list, epochs: int | None, families: list[str]) -> list[Choice]:
    """One for each population of the lines; where lines share one, the most epochs and then the most networks win."""
    found = {}
    for line in lines:
        for specification in line.specifications:
            if not families or specification.family in families:
                reached = _reached(specification, line.seeds, epochs)
                found.setdefault(specification.key, []).append(Choice(specification, line.seeds, reached))
    return [max(several, key=lambda one: (one.epochs or 0, one.seeds)) for several in found.values()]


def _reached(specification, seeds: int, epochs: int | None) -> int | None:
    """The most epochs, or `epochs`, after which all networks are kept."""
    from lib.training import store

    common = set.intersection(*(set(store.stored_epochs(specification, seed, (store.KEPT,))) for seed in range(seeds)))
    return max(common if epochs is None else common & {epochs}, default=None)


def release(study: str, choice: Choice, committed: bool) -> str:
    """Write one population, if it is not there as it would be; -> what came of it, in a line."""
    from lib.training import packing, releases, store
    from lib.training.packing import unpack

    there = choice.specification
    there = replace(there, epochs=choice.epochs) if there.anytime else there
    networks = [store.read_after(there, seed, choice.epochs, (store.KEPT,)) for seed in range(choice.seeds)]
    if None in networks:
        return f"{there.name}: a stored network is damaged; make train STUDY={study} trains it again"
    known = next((one for one in releases.listed(study) if one.name == releases.file_name(there)), None)
    if known and known.path == known.places[0 if committed else 1] and packing.holds(known, there, networks):
        content, done = known.content(), "unchanged"
    else:
        content, done = packing.pack(there, networks), "written"
        releases.write(study, there, content, committed)
    return f"{described(there, unpack(there, content))}; {len(content) / 1e6:.2f} MB, {done}"


def described(specification, networks: list) -> str:
    """A population with its accuracies and its gate."""
    from lib.gates import asked_of, passing
    from lib.training.releases import file_name

    accuracies = [network.test_accuracy[-1] for network in networks]
    return (
        f"{file_name(specification)}: {len(networks)} networks, test accuracy {min(accuracies):.4f} to "
        f"{max(accuracies):.4f}, {passing(specification, networks)} pass: {asked_of(specification)}"
    )


def release_all(study: str, found: list[Choice], committed: list[int]) -> None:
    """Every population whose networks are there, and a sentence for each of the others."""
    for choice in found:
        name = f"{choice.specification.name} ({choice.specification.key})"
        if choice.epochs is None:
            print(f"{name}: not all {choice.seeds} networks are there; left out")
            continue
        try:
            print(release(study, choice, choice.specification.width in committed), flush=True)
        except ValueError as error:  # its weights do not fit; the others may
            print(f"{name}: {error}")


def print_sizes(study: str) -> None:
    """What the repository and the folder for uploading hold."""
    from lib.training import releases

    print(
        f"networks/ holds {releases.committed_size():.1f} of {releases.LIMIT} MB; commit it, and {study}.sha256 in it"
    )
    if files := sorted(releases.uploads(study).glob("*.safetensors")):
        size = sum(path.stat().st_size for path in files) / 1e6
        print(f"for uploading: {len(files)} files, {size:.1f} MB, in {releases.uploads(study)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Pack the trained networks of a study.")
    parser.add_argument("study", help="a name in book/studies.toml")
    parser.add_argument("--epochs", type=int, help="of the networks; by default the most there are")
    parser.add_argument("--families", nargs="+", default=[], help="these alone")
    arguments = parser.parse_args()
    check_house()
    study, table = arguments.study, studies.read_table()
    studies.check_study(study, table, "release")
    found = choices(planned(study), arguments.epochs, arguments.families)
    if strange := set(arguments.families) - {choice.specification.family for choice in found}:
        sys.exit(f"study {study} trains no {', '.join(sorted(strange))}")
    if all(choice.epochs is None for choice in found):
        length = "" if arguments.epochs is None else f" for {arguments.epochs} epochs"
        sys.exit(
            f"study {study} has no population whose networks are all trained{length}: make train STUDY={study} "
            "comes first"
        )
    try:
        release_all(study, found, table[study].get("committed", []))
    except RuntimeError as error:  # no room, other images, a list that cannot be read
        sys.exit(str(error))
    print_sizes(study)


if __name__ == "__main__":
    main()
