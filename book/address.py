"""A Sphinx extension: where the project is found, for launch buttons and for cards on social media.

One place says it: `repository-code` in CITATION.cff, and `url` for the pages.  Until they are there no button appears.
"""

from html import escape
from urllib.parse import quote

import yaml
from docutils import nodes

from chapters import ROOT

CARD = "_images/main_result.webp"  # `lean` makes it of the picture of the first page
ON_GITHUB = "https://github.com/"


def cited() -> dict:
    """CITATION.cff."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text())


def notebook_of(page: str) -> str | None:
    """The committed notebook of a page of the book: 'book/chapters/X' is notebooks/X.ipynb, a study's page itself."""
    place = page.split("/")
    if place[:2] == ["book", "chapters"]:
        return f"notebooks/{place[-1]}.ipynb"
    return f"{page}.ipynb" if place[:2] == ["book", "studies"] and len(place) == 4 else None


def launches(page: str, repository: str | None) -> list[dict]:
    """Buttons that open a chapter on Binder and, from GitHub, on Colab; none without the repository's address."""
    notebook = notebook_of(page)
    if not (repository and notebook):
        return []
    on_github = repository.startswith(ON_GITHUB)
    place = repository.removeprefix(ON_GITHUB).rstrip("/")
    host = f"gh/{place}" if on_github else f"git/{quote(repository, safe='')}"
    targets = {"Binder": f"https://mybinder.org/v2/{host}/HEAD?urlpath=lab/tree/{quote(notebook)}"}
    if on_github:
        targets["Colab"] = f"https://colab.research.google.com/github/{place}/blob/HEAD/{quote(notebook)}"
    return [
        {"type": "link", "text": name, "tooltip": f"Run this chapter on {name}", "url": url, "icon": "fas fa-rocket"}
        for name, url in targets.items()
    ]


def card(title: str, description: str, page: str, site: str | None) -> str:
    """Metadata for the card that social media make of a link; with the picture where the pages' address is known."""
    told = {"og:type": "article", "og:title": title, "og:description": description, "twitter:card": "summary"}
    if site:
        root = site.rstrip("/")
        told |= {"og:url": f"{root}/{page}.html", "og:image": f"{root}/{CARD}", "twitter:card": "summary_large_image"}
    return "".join(f'<meta property="{name}" content="{escape(words)}" />\n' for name, words in told.items())


def write(app, pagename, templatename, context, doctree):
    """The buttons and the metadata of one page."""
    known = cited()
    if buttons := launches(pagename, known.get("repository-code")):
        group = {"type": "group", "tooltip": "Run this chapter", "icon": "fas fa-rocket", "label": "launch-buttons"}
        context["header_buttons"].append(group | {"buttons": buttons})
    if doctree is not None:
        first = next((node.astext() for node in doctree.findall(nodes.paragraph)), known["abstract"])
        words = " ".join(first.split())
        context["metatags"] += card(context["title"], words[:200], pagename, known.get("url"))


def setup(app):
    app.connect("html-page-context", write, priority=502)  # after the theme's own buttons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
