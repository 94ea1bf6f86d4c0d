"""A Sphinx extension: the look of verdicts."""

from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"


def look(app, config):
    """Style and filters of tables of verdicts, on every page."""
    config.html_static_path = [*config.html_static_path, str(STATIC)]


def setup(app):
    app.connect("config-inited", look)
    app.add_css_file("verdicts.css")
    app.add_js_file("filters.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
