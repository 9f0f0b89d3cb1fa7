"""What a worker says of itself: processes with another BLAS core type, package, code or store are refused by name."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from launching import grid_with, run

from sweep.grid.resolve import resolve
from sweep.planning.plan import Plan, make_plan
from sweep.run.hello import Hello, hello, refusal
from sweep.store.environments import environment_here
from sweep.store.lease import Lease
from sweep.store.storage import Location
from sweep.store.store import Store

KERNEL = """
from dataclasses import dataclass
import numpy as np
import shifts
import yaml
from sweep.kernels.contract import Kernel, Output, parameter

@dataclass(frozen=True)
class P:
    x: float = parameter("a number")

def outputs(p):
    return {"y": Output((), (), "float64")}

def init(p, rng, inputs):
    return ()

def advance(p, state, rng, inputs):
    return (), {"y": np.asarray(p.x + shifts.SHIFT)}

def cost(p):
    return 1e-3

OWN = Kernel("own", 1, P, outputs, init, advance, cost)
"""
DOCUMENT = {"name": "g", "seed": 1, "stages": {"s": {"kernel": "greeted:OWN", "axes": {"x": [1.0]}}}}
WORKER = """
import json, pickle, sys
from dataclasses import asdict
sys.path.append({folder!r})
from sweep.run.hello import hello
from sweep.store.storage import Location
from sweep.store.store import Store
plan = pickle.load(open({plan!r}, "rb"))
print(json.dumps(asdict(hello(plan, Store(Location({place!r}), {token!r}), "0123456789abcdef"))))
"""
SAYS = Hello("", "head", 1, {"numpy": "2.4.1", "BLAS core type": "Haswell"}, {"shifts": {"SHIFT": "1"}})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "greeted.py").write_text(KERNEL)
    (tmp_path / "shifts.py").write_text("SHIFT = 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("greeted", "shifts"):
        sys.modules.pop(name, None)


@pytest.fixture
def plan(folder: Path) -> Plan:
    return make_plan(resolve(DOCUMENT, json.dumps(DOCUMENT), "g.yaml"), {})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store that a launch holds."""
    location = Location(str(tmp_path / "g.zarr"))
    with Lease(location, {"workers": 1}) as lease:
        yield Store(location, lease.token)


def elsewhere(plan: Plan, store: Store, folder: Path, place: Path | None = None, **variables: str) -> Hello:
    """Return what another process says, with its own modules, store and environment variables."""
    file = folder / "plan.pickle"
    file.write_bytes(pickle.dumps(plan))
    where = str(place or store.location.place)
    text = WORKER.format(folder=str(folder), plan=str(file), place=where, token=store.token)
    path = os.pathsep.join([variables.pop("PYTHONPATH", ""), str(folder), *sys.path])
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path, **variables}
    said = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return Hello(**json.loads(said.stdout))


def test_a_process_like_the_launcher_is_taken(plan: Plan, store: Store, folder: Path) -> None:
    own, theirs = hello(plan, store), elsewhere(plan, store, folder)
    assert refusal(own, theirs) is None
    assert own.environment == theirs.environment
    assert {"python", "numpy", "numba", "llvmlite", "sweep-rg", "BLAS core type"} < own.environment.keys()
    assert own.environment["PyYAML"] != "not installed", "what kernels import counts, by their distribution"
    assert own.code == theirs.code
    assert own.code.keys() == {"greeted", "shifts"}
    assert (own.pid, theirs.node, theirs.unable) == (os.getpid(), "0123456789abcdef", None)


def test_another_processor_is_named(plan: Plan, store: Store, folder: Path) -> None:
    own = hello(plan, store)
    other = "Sandybridge" if own.environment["BLAS core type"] != "Sandybridge" else "Nehalem"
    theirs = elsewhere(plan, store, folder, OPENBLAS_CORETYPE=other)
    told = refusal(own, theirs)
    assert told is not None
    here = own.environment["BLAS core type"]
    assert told.startswith(f"node {theirs.host} (0123456789ab): has BLAS core type {other} (here {here}), which may")
    assert "\n" not in told


def test_another_package_is_named(plan: Plan, store: Store, folder: Path, tmp_path: Path) -> None:
    """Packages that stand before the real ones: numpy by what it says of itself, others by their metadata."""
    shim = tmp_path / "shim"
    shim.mkdir()
    (shim / "sitecustomize.py").write_text("import numpy\nnumpy.__version__ = '1.0'\n")
    for name in ("numba", "PyYAML"):
        (shim / f"{name}-1.0.dist-info").mkdir(parents=True)
        (shim / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    own, theirs = hello(plan, store), elsewhere(plan, store, folder, PYTHONPATH=str(shim))
    told = refusal(own, theirs)
    assert told is not None
    for name in ("numpy", "numba", "PyYAML"):
        assert f"{name} 1.0 (here {own.environment[name]})" in told


def test_other_code_is_named(plan: Plan, store: Store, folder: Path, tmp_path: Path) -> None:
    own = hello(plan, store)
    node = tmp_path / "node"
    node.mkdir()
    (node / "shifts.py").write_text("SHIFT = 2.0\n")
    theirs = elsewhere(plan, store, folder, PYTHONPATH=str(node))
    told = refusal(own, theirs)
    assert told is not None
    assert told.endswith("has other code than was planned: module shifts: SHIFT changed")


def test_a_module_that_only_the_launcher_has_is_no_difference(plan: Plan, store: Store) -> None:
    """A kernel in a file of the launcher's comes to the node with the plan."""
    own = hello(plan, store)
    assert refusal(own, replace(own, code={"shifts": own.code["shifts"]})) is None


def test_a_folder_that_is_not_shared_is_refused(plan: Plan, store: Store, folder: Path, tmp_path: Path) -> None:
    """Another node has nothing at the same path, or an older store with a launch of its own."""
    own, place = hello(plan, store), tmp_path / "node" / "g.zarr"
    for _ in ("nothing there", "an older store"):
        told = refusal(own, elsewhere(plan, store, folder, place))
        assert told is not None
        assert f"does not see this launch in the store: is {place} the same folder there?" in told
        if not place.exists():
            run(grid_with(), place)


def test_a_store_that_does_not_answer_is_told(plan: Plan, store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    away = Store(Location(str(tmp_path / "file" / "g.zarr")), store.token)
    told = refusal(hello(plan, store), hello(plan, away))
    assert told is not None
    assert "the store" in told


def test_all_that_differs_is_said_in_one_line() -> None:
    theirs = replace(SAYS, host="n7", node="", environment={"numpy": "2.3.0", "BLAS core type": "SkylakeX"})
    assert refusal(SAYS, theirs) == (
        "node n7: has numpy 2.3.0 (here 2.4.1), BLAS core type SkylakeX (here Haswell), which may give other numbers; "
        "--allow-mixed takes it, and records it"
    )
    assert refusal(SAYS, theirs, mixed=True) is None
    assert refusal(SAYS, replace(SAYS, unable="does not see it", environment={})) == "node head: does not see it"


def test_what_a_kernel_requires_is_part_of_what_computes(plan: Plan, store: Store) -> None:
    needy = make_plan(grid_with(walk__kernel="toys:NEEDS_PYTEST"), {})
    assert hello(needy, store).environment["pytest"] == pytest.__version__
    assert "pytest" not in hello(plan, store).environment


def test_what_a_process_computes_with_is_words(plan: Plan, tmp_path: Path) -> None:
    gpu = tmp_path / "proc/driver/nvidia/gpus/0000:19:00.0"
    gpu.mkdir(parents=True)
    (gpu / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   \t\t 180\n")
    assert environment_here(gpus=True, root=tmp_path)["GPU"] == "NVIDIA H200"
    assert "GPU" not in environment_here(root=tmp_path), "it matters to kernels that use it"
    found = environment_here(["no such package"])
    assert found["no such package"] == "not installed"
    assert all(isinstance(value, str) and value for value in found.values())
    assert "unknown" not in found.values(), "numpy's wheels bring an OpenBLAS that says what it runs on"
