"""A launch as a job of a Ray cluster: what it needs travels there, and its words come back."""

from __future__ import annotations

import asyncio
import importlib
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.exceptions import AuthenticationError, RayError

from sweep.errors import Problem, SweepError
from sweep.grid.code import files_of
from sweep.grid.grid import Grid
from sweep.run.executors.address import not_let_in, token_at_hand
from sweep.run.executors.session import said

FAILURES = (OSError, RuntimeError, ValueError, RayError)  # what Ray's client raises


@dataclass(frozen=True)
class Job:
    """A launch that runs on a cluster, whoever listens.

    Parameters
    ----------
    address : str
        Where the cluster takes jobs, ``http://HOST:8265``.
    name : str
        As the cluster calls it.
    """

    address: str
    name: str
    _client: Any

    def follow(self, tell: Callable[[str], None]) -> int:
        """Tell all that the launch says, from its beginning to its end; return its exit status.

        Raises
        ------
        SweepError
            When the cluster is out of reach. The launch goes on.
        """
        try:
            asyncio.run(self._follow(tell))
            info = self._client.get_job_info(self.name)
        except FAILURES as error:
            raise SweepError(Problem(self.address, f"cannot follow job {self.name} any more: {said(error)}")) from error
        if info.driver_exit_code is None:  # it never began, or was ended
            tell(f"{info.status}: {info.message}\n")
        return 1 if info.driver_exit_code is None else int(info.driver_exit_code)

    async def _follow(self, tell: Callable[[str], None]) -> None:
        async for text in self._client.tail_job_logs(self.name):
            tell(text)


def submit(address: str, grid: Grid, options: Sequence[str]) -> Job:
    """Begin a launch of a grid on a cluster, from elsewhere.

    Parameters
    ----------
    address : str
        Where the cluster takes jobs, ``http://HOST:8265``.
    grid : Grid
        It travels as it was resolved, and with it the kernels' own files and the data files that it names.
    options : sequence of str
        Of ``sweep launch``.

    Raises
    ------
    SweepError
        When nobody answers there, or not to us.
    """
    client = _client(address)
    with tempfile.TemporaryDirectory() as folder:
        line = shlex.join(["sweep", "launch", pack(grid, Path(folder)), "--address", "auto", *options])
        try:
            return Job(address, client.submit_job(entrypoint=line, runtime_env={"working_dir": folder}), client)
        except FAILURES as error:
            raise SweepError(Problem(f"--submit {address}", said(error))) from error


def pack(grid: Grid, folder: Path) -> str:
    """Put a grid, and all of the user's own files that it needs, into a folder; return the name of its file there.

    Modules lie where they are found by name from that folder, data files where the grid says from the present one.
    """
    file = Path(grid.path or "grid.yaml").name
    (folder / file).write_text(grid.text, "utf-8")
    for stage in grid.stages.values():
        for name, source in files_of(stage).items():
            place = Path(*name.split("."))
            _copy(source, folder / (place if source.stem == "__init__" else place.parent) / source.name)
    for name in _data_files(grid):
        if not Path(name).resolve().is_relative_to(Path.cwd()):
            what = "a file that is not below this folder does not travel: give its path from the root, on a shared disk"
            raise SweepError(Problem(name, what))
        _copy(Path(name), folder / name)
    return file


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _data_files(grid: Grid) -> Iterator[str]:
    """Yield the words in parameters and on axes that are files, named from the present folder."""
    for stage in grid.stages.values():
        values = [*stage.params.values(), *stage.axes.values()]
        for value in values:
            for word in value if isinstance(value, list | tuple) else [value]:
                if isinstance(word, str) and not Path(word).is_absolute() and Path(word).is_file():
                    yield word


def _client(address: str) -> Any:
    """Return Ray's client of a cluster that lets us in."""
    jobs: Any = importlib.import_module("ray.job_submission")
    token = token_at_hand()
    for offered in dict.fromkeys((None, token)):
        headers = {"Authorization": f"Bearer {offered}"} if offered else None
        try:
            return jobs.JobSubmissionClient(address, headers=headers)
        except AuthenticationError:
            continue
        except FAILURES as error:
            what = f"{said(error)} Wanted http://HOST:8265, where the cluster's dashboard is"
            raise SweepError(Problem(f"--submit {address}", what)) from error
    raise SweepError(Problem(f"--submit {address}", not_let_in(token)))
