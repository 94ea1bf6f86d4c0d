"""The table of everything: each figure, table and numbered claim of the three papers, and where it stands in the book."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import evidence
from plain_markdown import pipe_table

TABLE = Path(__file__).with_name("everything.toml")
HEADER = ("in the paper", "what it shows, where in the book, on which data and at which scale")  # two: for telephones


def papers() -> list[dict]:
    """The papers of everything.toml with their items."""
    return tomllib.loads(TABLE.read_text())["paper"]


def everything(executed: Mapping[str, dict]) -> str:
    """MyST Markdown: a heading and a table for each paper; links lead to the chapters and to the pages of studies.

    executed: the studies whose pages the project keeps, `evidence.executed_studies()`.
    """
    studies = evidence.folders(executed)
    return "\n".join(
        f"## {paper['title']}\n\n"
        + pipe_table(
            HEADER, [[item["name"], f"{item['shows']}<br>{_place(item, paper, studies)}"] for item in paper["item"]]
        )
        for paper in papers()
    )


def _place(item: dict, paper: dict, studies: Mapping[evidence.Study, list[str]]) -> str:
    """'Chapters 3, 10: Digits (178 networks, ...); ...', or why it is not in the book."""
    if absent := item.get("absent"):
        return f"Not in the book: {paper['unknown'] if absent == 'unknown' else absent}"
    links = ", ".join(
        f"{{doc}}`{chapter.split('_')[0].lstrip('0')} <chapters/{chapter}>`" for chapter in item["chapters"]
    )
    scales = "; ".join(dict.fromkeys(_scales(item["chapters"], studies)))
    return f"Chapter{'s' * (len(item['chapters']) > 1)} {links}: {scales}"


def _scales(chapters: list[str], studies: Mapping[evidence.Study, list[str]]) -> Iterator[str]:
    """'CIFAR-10 (78 networks, 50,000 images, 10 epochs)' of every execution of these chapters; a study's links to its page."""
    for study, names in studies.items():
        for chapter in chapters:
            if chapter in names:
                title = evidence.AUTHORS if chapter == evidence.RELEASED else study.title
                if study.results != "book":
                    title = f"{{doc}}`{title} <{study.pages}/{chapter}>`"
                yield title + _scale(evidence.written(study.results, chapter))


def _scale(found: dict) -> str:
    networks = found["provenance"]["networks"]
    if not networks:
        return ""
    images = max(entry["train"] for entries in found["provenance"]["data"].values() for entry in entries)
    epochs = found["parameters"]["epochs"]
    return f" ({networks} networks, {images:,} training images, {epochs} epochs)"
