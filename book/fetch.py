"""Fetch the released networks of a study that are not in the repository: `make fetch STUDY=name`."""

import argparse
import sys

import studies
from train import check_house


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetch the released networks of a study.")
    parser.add_argument("study", help="a name in book/studies.toml")
    study = parser.parse_args().study
    check_house()
    studies.check_study(study, studies.read_table(), "fetch")
    from lib.training import releases

    try:
        for release in releases.fetch(study):
            print(f"{release.name}: {release.path.stat().st_size / 1e6:.2f} MB", flush=True)
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"all {len(releases.listed(study))} files of study {study} are here")


if __name__ == "__main__":
    main()
