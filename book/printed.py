"""The book on paper, `make pdf`: the built pages one after another, printed by a headless Chromium.

It writes _build/pdf/: book.pdf, with an outline and working links, and findings.pdf, the report alone.
"""

import re
import shutil
import sys
from urllib.parse import urljoin

from chapters import ROOT

HTML, PDF = ROOT / "_build" / "html", ROOT / "_build" / "pdf"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LEFT_OUT = re.compile(
    r"book/(api/|claims|explorer|rule_bench)"
)  # a reference, a table of a hundred pages, and what has to be touched
ARTICLE = re.compile(r'<article class="bd-article"[^>]*>(.*?)</article>', re.S)
UNFOLDED = re.compile('<details(?! class="as-digits)')  # what stands in another chapter stays folded
SCRIPT = re.compile(r"<script\b.*?</script>", re.S)
FOR_MACHINES = re.compile(r'<details(?:(?!</details>).)*class="highlight-json(?:(?!</details>).)*</details>', re.S)
PAPER = {
    "format": "A4",
    "margin": dict.fromkeys(("top", "bottom", "left", "right"), "16mm"),
    "print_background": True,
    "scale": 0.72,
}
# The theme prints titles elsewhere; a page's parts are what the book calls it.
LOOK = """<style>
  section.page { break-before: page; }
  section.page h1 { display: block !important; break-after: avoid; }
  section.page :is(.headerlink, summary, .permalink) { display: none !important; }
  section.page .toctree-wrapper { display: none; }
  section.page a:not([href]) { color: inherit; text-decoration: none; }
  section.page details { border: none !important; box-shadow: none !important; }
</style>"""
NUMBERS = '<div style="width:100%;text-align:center;font-size:8px"><span class="pageNumber"></span></div>'


def pages() -> list[str]:
    """The book's pages in the order of the table of contents, seen from the root of the built book."""
    toc = (ROOT / "_toc.yml").read_text()
    return [name for name in re.findall(r"(?:file|root): (\S+)", toc) if not LEFT_OUT.match(name)]


def whole(names: list[str]) -> str:
    """One page of all: places get the name of their page, links lead to them, addresses are seen from _build/pdf/."""
    texts = {name: (HTML / f"{name}.html").read_text() for name in names}
    head = re.search(r"<head>(.*?)</head>", texts[names[0]], re.S)[1]
    parts = [
        f'<section class="page" id="{key(name)}">{article(text, name, names)}</section>' for name, text in texts.items()
    ]
    body = f'<main class="bd-main"><div class="bd-content"><div class="bd-article-container"><article class="bd-article">{"".join(parts)}'
    return f'<!DOCTYPE html><html lang="en" data-theme="light"><head>{addressed(head, names[0], [])}{LOOK}</head><body>{body}</article></div></div></main></body></html>'


def article(text: str, name: str, names: list[str]) -> str:
    """The text of one page without numbers for machines, its code unfolded, its pictures loaded."""
    own = FOR_MACHINES.sub("", SCRIPT.sub("", ARTICLE.search(text)[1]))
    own = UNFOLDED.sub("<details open", own).replace('loading="lazy"', "")
    own = re.sub(r'\bid="([^"]*)"', rf'id="{key(name)}--\1"', own)
    return addressed(own, name, names)


def addressed(html: str, name: str, names: list[str]) -> str:
    """Links to pages that are printed lead to them, those to other files nowhere; what is loaded is found from _build/pdf/."""

    def link(match: re.Match) -> str:
        address = match[1]
        if re.match(r"\w+:", address):
            return match[0]
        target, _, place = urljoin(f"{name}.html", address).partition("#")
        page = target.removesuffix(".html")
        if page in names:
            return f'href="#{key(page)}{f"--{place}" if place else ""}"'
        return f'href="../html/{target}"' if not names else ""

    html = re.sub(r'(?<!-)\bhref="([^"]*)"', link, html)
    return re.sub(r'\bsrc="(?!\w+:)([^"]*)"', lambda match: f'src="../html/{urljoin(f"{name}.html", match[1])}"', html)


def key(name: str) -> str:
    """The name of a page as the beginning of a name of a place."""
    return name.replace("/", "-")


def print_all() -> None:
    """Ends the program with a sentence where there are no pages or no browser."""
    if not (HTML / "book" / "report.html").exists():
        sys.exit("there are no pages to print: run make book first")
    if not (browser := next(filter(None, map(shutil.which, BROWSERS)), None)):
        sys.exit(f"make pdf needs a browser; install one of {', '.join(BROWSERS)}")
    from playwright.sync_api import sync_playwright

    PDF.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for file, names in (("findings", ["book/report"]), ("book", pages())):
            source = PDF / f"{file}.html"
            source.write_text(whole(names))
            page = chromium.new_page()
            page.goto(source.as_uri(), timeout=600_000)
            page.evaluate("() => window.MathJax?.startup?.promise")
            numbers = {"display_header_footer": True, "header_template": "<span></span>", "footer_template": NUMBERS}
            page.pdf(path=PDF / f"{file}.pdf", outline=True, tagged=True, **numbers, **PAPER)
            source.unlink()
            print(f"{(PDF / f'{file}.pdf').relative_to(ROOT)}")
        chromium.close()


if __name__ == "__main__":
    print_all()
