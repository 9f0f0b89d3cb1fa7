"""deploy/slurm.sh: a launch stops before the job's time is over, the job is queued again, and goes on where it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import SUPPORT, dozing, written
from launching import load
from namespaces import LOCAL, Machine, Network, skip_unless_possible

from sweep.store.storage import Location
from sweep.store.store import Store

SCRIPT = Path(__file__).parents[2] / "deploy/slurm.sh"
MARGIN = 300  # as the script has it
ALONE = 'while [ "$1" != -- ]; do echo "$1" >> told; shift; done; shift; exec "$@" --executor inline'


@dataclass(frozen=True)
class Slurm:
    """Runs batch scripts in a folder, with commands that stand for Slurm's."""

    folder: Path
    srun: str

    def submit(self, seconds: float, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the script in a job that leaves a launch so many seconds."""
        commands = self.folder / "bin"
        commands.mkdir(exist_ok=True)
        texts = {"srun": self.srun, "scontrol": 'echo "$@" >> requeued', "hostname": "echo 10.77.0.1 fd00::1"}
        texts["sweep"] = f"exec {sys.executable} -c 'from sweep.cli.commands import main; main()' \"$@\""
        for name, text in texts.items():
            (commands / name).write_text(f"#!/bin/bash\n{text}\n")
            (commands / name).chmod(0o755)
        job = {"SLURM_JOB_ID": "4711", "SLURM_JOB_END_TIME": str(int(time.time() + seconds) + MARGIN)}
        shape = {"SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_PER_TASK": "1"}
        path = os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]])
        modules = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
        given = {**os.environ, **job, **shape, "PATH": path, "PYTHONPATH": modules}
        line = ["bash", str(SCRIPT), *words]
        return subprocess.run(
            line, cwd=self.folder, env=given, capture_output=True, text=True, timeout=500, check=False
        )

    @property
    def requeued(self) -> str:
        """Return what scontrol was told."""
        told = self.folder / "requeued"
        return told.read_text() if told.exists() else ""


def test_a_launch_stops_in_time_and_goes_on_in_the_next_job(tmp_path: Path) -> None:
    slurm, grid = Slurm(tmp_path, ALONE), written(tmp_path, dozing(blocks=10, doze=0.1))
    stopped = slurm.submit(2, grid)
    assert stopped.returncode == 130, stopped.stdout + stopped.stderr
    assert slurm.requeued == "requeue 4711\n"
    done = slurm.submit(1000, grid)
    assert done.returncode == 0, done.stdout + done.stderr
    assert load(tmp_path / "runs/toy.zarr")["doze/done"].all()
    told = (tmp_path / "told").read_text().split()
    assert told[:3] == ["--cpus-per-task=1", "ray", "symmetric-run"]
    assert told[told.index("--address") + 1] == "10.77.0.1:24711"
    assert told[told.index("--min-nodes") + 1] == "2"


@pytest.mark.parametrize(
    ("srun", "seconds", "status"), [("exit 2", 1000, 2), ("exit 130", 1000, 130), ("exit 130", -1, 2)]
)
def test_what_is_wrong_cancelled_or_too_short_is_not_queued_again(
    tmp_path: Path, srun: str, seconds: float, status: int
) -> None:
    slurm = Slurm(tmp_path, srun)
    assert slurm.submit(seconds, "toy.yaml").returncode == status
    assert not slurm.requeued


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    skip_unless_possible()
    with Network() as network:
        yield [network.add_bare(name) for name in ("first", "second")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_on_two_machines(machines: list[Machine], tmp_path: Path) -> None:
    """Ray's own command starts the cluster on both, and ends it: each machine is a namespace."""
    inside = " ".join(f'"{" ".join(machine.inside)}"' for machine in machines)
    files = f"env -C {tmp_path} HOME={LOCAL} RAY_TMPDIR={LOCAL} TMPDIR={LOCAL} COLUMNS=200"
    srun = f'shift; for there in {inside}; do $there {files} "$@" & done; worst=0\n'
    srun += "for job in $(jobs -p); do wait $job || { s=$?; [ $s -gt $worst ] && worst=$s; }; done; exit $worst"
    slurm, grid = Slurm(tmp_path, srun), written(tmp_path, dozing(blocks=10000, doze=0.1))
    stopped = slurm.submit(120, grid)
    assert stopped.returncode == 130, stopped.stdout + stopped.stderr
    assert slurm.requeued == "requeue 4711\n"
    blocks = Store(Location(str(tmp_path / "runs/toy.zarr"))).blocks("doze")
    assert (blocks > 0).sum() == len(machines)


def test_it_is_sound_shell() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    if checker := shutil.which("shellcheck"):
        subprocess.run([checker, str(SCRIPT)], check=True)
