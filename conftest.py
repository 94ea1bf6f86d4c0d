"""pytest --nbval from any folder: the rules of comparison lie beside the tests, not in the current folder."""

from pathlib import Path


def pytest_configure(config):
    rules = config.getoption("nbval_sanitize_with", None)
    if rules:
        config.option.nbval_sanitize_with = str(Path(__file__).parent / rules)  # an absolute one stays as it is
