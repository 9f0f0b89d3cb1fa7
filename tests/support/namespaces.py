"""Machines that are namespaces of this one: own network, processes, mounts, on a switch whose cables can be pulled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pytest
from processes import MARK, SUPPORT, Launch, end_all, marked, role_of

RAY = str(Path(sys.executable).with_name("ray"))
LOCAL = "/mnt"  # of each machine, seen by none of the others
PORT = 6379
MACHINE = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]


def command(*words: str, given: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end; return what it printed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=100, input=given, env=environment)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


class Machine:
    """A machine, with what it shares with the others: this machine's files, but for /mnt, /tmp/ray and /dev/shm.

    Parameters
    ----------
    name : str
        What it calls itself.
    number : int
        It is 10.77.0.`number` on the switch.
    switch : int
        Process whose network namespace is the switch.
    """

    def __init__(self, name: str, number: int, switch: int) -> None:
        self.name, self.address, self._switch = name, f"10.77.0.{number}", switch
        self.mark, self._port = uuid.uuid4().hex, f"port{number}"
        self._outer = subprocess.Popen(["unshare", *MACHINE, "bash", "-c", "sleep infinity & wait"])
        self._first = _child_of(self._outer.pid)
        switch_do = ["nsenter", "-t", str(switch), "--net", "ip", "link"]
        command(*switch_do, "add", self._port, "type", "veth", "peer", "name", "eth0", "netns", str(self._first))
        command(*switch_do, "set", self._port, "master", "switch", "up")
        self.do("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            self.do("ip", "link", "set", device, "up")
        self.do("hostname", name)
        for folder in (LOCAL, "/dev/shm"):
            self.do("mount", "-t", "tmpfs", "-o", "size=1g", "none", folder)

    @property
    def inside(self) -> list[str]:
        """Return what stands before a command that is to run on the machine."""
        return ["nsenter", "-t", str(self._first), "--net", "--mount", "--uts", "--ipc", "--pid"]

    def do(self, *words: str) -> str:
        """Run a command on the machine."""
        return command(*self.inside, *words)

    def hide(self, folder: Path) -> None:
        """Mount a folder of the machine's own over one that all share."""
        self.do("mount", "-t", "tmpfs", "none", str(folder))

    def replace(self, file: Path, text: str) -> None:
        """Let the machine see another text in a file."""
        own = f"{LOCAL}/{uuid.uuid4().hex}"
        command(*self.inside, "tee", own, given=text)
        self.do("mount", "--bind", own, str(file))

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
        return {"PYTHONPATH": path, "HOME": LOCAL, "RAY_TMPDIR": LOCAL, "TMPDIR": LOCAL, "RAY_USAGE_STATS_ENABLED": "0"}

    def start_ray(self, head: Machine | None, cpus: int) -> None:
        """Start Ray as a cluster's head, or as a node of the cluster of another machine."""
        joined = [f"--address={head.address}:{PORT}"] if head else ["--head", f"--port={PORT}"]
        shape = [f"--node-ip-address={self.address}", f"--num-cpus={cpus}", "--object-store-memory=80000000"]
        bare = [] if head else ["--include-dashboard=false"]
        given = {**os.environ, **self.environment(), MARK: self.mark}
        command(*self.inside, RAY, "start", *joined, *shape, *bare, "--disable-usage-stats", environment=given)

    def launch(self, *words: str | Path, log: Path) -> Launch:
        """Begin a ``sweep launch`` on the machine, which joins the cluster."""
        address = ["--address", "auto"]
        return Launch(*words, *address, log=log, before=self.inside, **self.environment())

    def actors(self) -> list[int]:
        """Return the actors on the machine, by the numbers that they have outside."""
        return [pid for pid, line in marked(self.mark).items() if role_of(line) == "actor"]

    def signal_all(self, number: int) -> None:
        """Signal all of the machine's Ray."""
        for pid in marked(self.mark):
            os.kill(pid, number)

    def cut_off(self) -> None:
        """Pull the cable: packets go nowhere, and nobody is told."""
        command("nsenter", "-t", str(self._switch), "--net", "ip", "link", "set", self._port, "nomaster")

    def bring_back(self) -> None:
        command("nsenter", "-t", str(self._switch), "--net", "ip", "link", "set", self._port, "master", "switch")

    def lose(self) -> None:
        """Let the machine be gone, at once and for good."""
        self.cut_off()
        self._outer.kill()
        self._outer.wait(30)
        end_all(self.mark)


class Network:
    """A switch, and the machines on it; all is gone in the end."""

    def __init__(self) -> None:
        self.machines: dict[str, Machine] = {}
        self._open = ExitStack()

    def __enter__(self) -> Network:
        switch = self._open.enter_context(subprocess.Popen(["unshare", "--net", "sleep", "infinity"]))
        self._open.callback(switch.kill)
        self._switch = switch.pid
        own = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + 10
        while os.readlink(f"/proc/{self._switch}/ns/net") == own:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        do = ["nsenter", "-t", str(self._switch), "--net", "ip", "link"]
        command(*do, "add", "switch", "type", "bridge")
        command(*do, "set", "switch", "up")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        for machine in self.machines.values():
            machine.lose()
        self._open.close()

    def add(self, name: str, cpus: int = 1, prepare: Callable[[Machine], None] = lambda _: None) -> Machine:
        """Add a machine, and start Ray on it: the first is the head."""
        head = next(iter(self.machines.values()), None)
        machine = self.add_bare(name)
        prepare(machine)
        machine.start_ray(head, cpus)
        return machine

    def add_bare(self, name: str) -> Machine:
        """Add a machine on which nothing runs."""
        self.machines[name] = Machine(name, len(self.machines) + 1, self._switch)
        return self.machines[name]


def _child_of(pid: int) -> int:
    """Return the first process of a machine, when there is one."""
    deadline = time.monotonic() + 10
    while not (found := Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        assert time.monotonic() < deadline, "no namespace was made"
        time.sleep(0.01)
    return int(found[0])


def skip_unless_possible() -> None:
    """Skip the test where namespaces, bridges and mounts cannot be made."""
    try:
        command("unshare", *MACHINE, "ip", "link", "add", "x", "type", "bridge")
        command("unshare", *MACHINE, "mount", "-t", "tmpfs", "none", LOCAL)
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"machines cannot be made here: {error}")
