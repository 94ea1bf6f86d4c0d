"""A Slurm cluster as the workers of a Dask scheduler in this process: slurm:N, or slurm-gpu:N, for at most N jobs.

Queue, account, walltime, memory and cores of a job come from Dask's configuration, `jobqueue.slurm`: the file
~/.config/dask/jobqueue.yaml or variables like DASK_JOBQUEUE__SLURM__QUEUE.
"""

import os
import shlex
import shutil
from functools import cache
from typing import TYPE_CHECKING, Any

from lib.runtime.files import ROOT

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster

CARRIED = ("GREATMINDS_ARTIFACTS", "GREATMINDS_DATA")  # what jobs are told of the environment
MEMORY = 4  # GB of a worker where the configuration says nothing


def is_meant(address: str) -> bool:
    return address.startswith("slurm")


def with_gpus(address: str) -> bool:
    return address.startswith("slurm-gpu")


def jobs(address: str) -> int:
    """At most so many run at once."""
    return int(address.partition(":")[2])


@cache
def cluster(address: str) -> "SLURMCluster":
    """Jobs that come and go with the work, until this process ends.

    Raises:
        ValueError: dask-jobqueue or Slurm is not here.
    """
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise ValueError(f"{address} needs dask-jobqueue: pip install 'great-minds[machines]'") from None
    if shutil.which("sbatch") is None:
        raise ValueError(f"{address} needs Slurm, and this machine has no sbatch")
    found = SLURMCluster(**job(address))
    found.adapt(maximum_jobs=jobs(address))
    return found


def job(address: str) -> dict[str, Any]:
    """The options of dask-jobqueue for one job: a worker of one thread for each core, or one for a GPU."""
    import dask_jobqueue  # its defaults become part of Dask's configuration
    from dask import config

    assert dask_jobqueue
    workers = 1 if with_gpus(address) else config.get("jobqueue.slurm.cores") or 1
    exports = [f"export {name}={shlex.quote(os.environ[name])}" for name in CARRIED if name in os.environ]
    options = {
        "cores": workers,
        "processes": workers,
        "memory": config.get("jobqueue.slurm.memory") or f"{MEMORY * workers} GB",
        "job_script_prologue": [f"cd {shlex.quote(str(ROOT))}", "export OMP_NUM_THREADS=1", *exports],
    }
    if with_gpus(address):
        options |= {"job_extra_directives": ["--gres=gpu:1"], "worker_extra_args": ["--resources", "GPU=1"]}
    return options
