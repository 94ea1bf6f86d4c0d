"""One notebook executed under papermill, in a kernel that dies when the command is stopped."""

import os
import re
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from lib.runtime.files import sweep, temporary_folder

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Points an inch of a chapter's pictures: two for every pixel of the book's column, which is 9.2 inches wide.
DENSITY = 168


class Failed(Exception):
    """A chapter that did not get to its end, in a sentence; `refused`: it did not begin, for one of its parameters."""

    def __init__(self, sentence: str, refused: bool = False):
        super().__init__(sentence)
        self.refused = refused


class Kernel(AsyncKernelManager):
    """A kernel that `kill_kernels` knows."""

    known: WeakSet = WeakSet()

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.known.add(self)


def kill_kernels() -> None:
    """End every kernel of this process with its workers; the threads that wait for them see them dead."""
    for kernel in list(Kernel.known):
        if number := getattr(kernel.provisioner, "pgid", None):
            with suppress(ProcessLookupError):
                os.killpg(number, signal.SIGKILL)
    sweep()


class Labelled:
    """Standard error for the progress bars of one of several chapters: each begins with the chapter's number."""

    def __init__(self, label: str):
        self.label = label

    def write(self, text: str) -> None:
        sys.stderr.write(re.sub(r"\r(?=\S)", f"\r{self.label} ", text))  # not where a bar is wiped out

    def flush(self) -> None:
        sys.stderr.flush()


def executed(name: str, notebook: nbformat.NotebookNode, parameters: dict, cwd: Path) -> nbformat.NotebookNode:
    """The notebook of a chapter after its execution with these parameters, in the folder `cwd`.

    Raises:
        Failed: a cell fails or the kernel dies.
    """
    folder = temporary_folder()
    source, result = folder / "source.ipynb", folder / "result.ipynb"
    notebook.metadata = nbformat.from_dict(METADATA)
    nbformat.write(notebook, source)
    try:
        papermill.execute_notebook(
            source,
            result,
            parameters,
            kernel_name="python3",
            kernel_manager_class=Kernel,
            cwd=cwd,
            progress_bar=False,
            record_timing=False,
            stderr_file=Labelled(name.split("_")[0]),
            extra_arguments=[f"--InlineBackend.print_figure_kwargs={{'bbox_inches': 'tight', 'dpi': {DENSITY}}}"],
        )
        return nbformat.read(result, 4)
    except PapermillExecutionError as error:
        told = f"chapter {name} failed in cell {error.exec_count}: {error.ename}: {error.evalue}"
        raise Failed(told, error.ename == "ParameterError") from None
    except DeadKernelError:
        raise Failed(f"chapter {name} failed: its kernel was killed, perhaps for lack of memory") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
