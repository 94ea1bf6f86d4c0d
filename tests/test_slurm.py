"""The job that Slurm is handed, as text: this machine has no Slurm."""

import pytest
from skips import has_dask

from lib.runtime import slurm
from lib.runtime.files import ROOT

pytestmark = pytest.mark.skipif(not has_dask(), reason="needs Dask")


def script(address, **configuration):
    from dask import config
    from dask_jobqueue.slurm import SLURMJob

    with config.set({f"jobqueue.slurm.{name}": value for name, value in configuration.items()}):
        return SLURMJob("tcp://127.0.0.1:8786", "worker", **slurm.job(address)).job_script()


@pytest.mark.parametrize("cores", [1, 8])
def test_a_job_is_a_worker_of_one_thread_for_each_of_its_cores(monkeypatch, cores):
    monkeypatch.setenv("GREATMINDS_ARTIFACTS", "/shared/my networks")
    text = script("slurm:4", queue="short", account="vision", walltime="01:00:00", cores=cores)
    for line in ("-p short", "-A vision", "-t 01:00:00", f"--cpus-per-task={cores}"):
        assert f"#SBATCH {line}\n" in text
    assert "export GREATMINDS_ARTIFACTS='/shared/my networks'\n" in text and f"cd {ROOT}\n" in text
    assert "dask_worker tcp://127.0.0.1:8786" in text and "--nthreads 1" in text and "--resources" not in text
    assert ("--nworkers 8" in text) == (cores == 8)


def test_a_job_with_a_gpu_asks_for_one_and_its_worker_is_labelled():
    text = script("slurm-gpu:4", cores=8)
    assert "#SBATCH --gres=gpu:1\n" in text and "--resources GPU=1" in text and "--nthreads 1" in text
    assert "--nworkers" not in text


def test_at_most_so_many_jobs():
    assert [slurm.jobs(address) for address in ("slurm:4", "slurm-gpu:12")] == [4, 12]
