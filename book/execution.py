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

from lib.runtime.temporary import sweep, temporary_folder

KEPT = "The book is not built; what was trained is kept."


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

    Ends the program with a sentence where a cell fails or the kernel dies.
    """
    folder = temporary_folder()
    source, result = folder / "source.ipynb", folder / "result.ipynb"
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
        )
        return nbformat.read(result, 4)
    except PapermillExecutionError as error:
        sys.exit(f"\nchapter {name} failed in cell {error.exec_count}: {error.ename}: {error.evalue}\n{KEPT}")
    except DeadKernelError:
        sys.exit(f"\nchapter {name} failed: its kernel was killed, perhaps for lack of memory\n{KEPT}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
