"""A Sphinx extension: every inline script once a page.

Sphinx 7.4 registers an inline script that an extension adds while reading under the name None, and again under ''
before writing.  The second copy declares the same constants again, an error in the reader's console.
"""


def keep_first(app, pagename, templatename, context, doctree):
    """Drop from the page's scripts those that stand there already; in place, because later handlers add to the list."""
    scripts, seen = context["script_files"], set()
    unique = []
    for script in scripts:
        key = (script.filename or "", str(sorted(script.attributes.items())))
        if key not in seen:
            seen.add(key)
            unique.append(script)
    scripts[:] = unique


def setup(app):
    app.connect("html-page-context", keep_first)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
