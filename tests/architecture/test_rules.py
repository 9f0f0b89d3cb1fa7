"""The rules of the house: who imports whom, how long a module is, what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernels", "sweep", "analysis")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))  # links are not followed
LINES = 300
FUNCTION_LINES = 40


def tracked() -> list[Path]:
    """Return the files of the project: those that git knows, or all beside the environment where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    hidden = re.compile(r"/(\.venv[^/]*|\.git|[^/]*cache[^/]*|runs|[^/]*\.egg-info)/")
    return [path for path in ROOT.rglob("*") if path.is_file() and not hidden.search(f"{path}")]


def functions(path: Path) -> list[tuple[str, int]]:
    """Return name and length of every function, without its docstring."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            found.append((f"{path.relative_to(ROOT)}: {node.name}", length))
    return found


def lint_imports(config: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--config", str(config), "--no-cache"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_the_way_that_the_design_says() -> None:
    result = lint_imports(ROOT / "pyproject.toml")
    assert result.returncode == 0, result.stdout


def test_a_forbidden_import_is_seen(tmp_path: Path) -> None:
    """The check above is one that can fail: kernels do import numpy, and the store does import the plan."""
    config = tmp_path / "forbid.toml"
    for contract in (
        'type = "forbidden"\nsource_modules = ["sweep.kernels"]\nforbidden_modules = ["numpy"]\n',
        'type = "layers"\nlayers = ["sweep.planning", "sweep.store"]\n',
    ):
        config.write_text(
            '[tool.importlinter]\nroot_packages = ["sweep"]\ninclude_external_packages = true\n'
            f'[[tool.importlinter.contracts]]\nname = "x"\n{contract}'
        )
        assert lint_imports(config).returncode == 1


def contracts(kind: str) -> list[dict[str, Any]]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return [contract for contract in found if contract["type"] == kind]


def test_every_room_has_its_place_in_the_order() -> None:
    framework, analysis = (
        {name for line in item["layers"] for name in line.split(" | ")} for item in contracts("layers")
    )
    rooms = {f"sweep.{path.stem}" for path in (ROOT / "sweep").iterdir() if not path.stem.startswith("__")}
    data = {"sweep.grids", "sweep.examples", "sweep.py"}  # the last is py.typed
    assert framework | {"sweep.kernels", "sweep.analysis"} == rooms - data
    assert analysis == {f"sweep.analysis.{path.stem}" for path in (ROOT / "analysis").iterdir() if path.stem[0] != "_"}
    for contract in contracts("forbidden"):
        named = {*contract["source_modules"], *contract["forbidden_modules"]}
        assert named >= framework - {"sweep.api", "sweep.cli"}, contract["name"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES


def test_most_functions_are_short() -> None:
    lengths = [item for path in MODULES for item in functions(path)]
    long = [item for item in lengths if item[1] > FUNCTION_LINES]
    assert len(long) <= 0.05 * len(lengths), long


def test_no_file_names_a_package_index() -> None:
    address = re.compile(r"p[y]pi\.|/simple/|--(extra-)?index-u[r]l|--find-links|files\.python[h]osted")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path != Path(__file__) and (match := address.search(path.read_text(errors="ignore")))
    ]
    assert not found


def test_constraints_pin_every_dependency_to_one_version() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {}
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([\w.!+]+)", line)
        assert match, line
        pins[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    assert len(pins) == len(lines)
    direct = {re.split(r"[^A-Za-z0-9._-]", line)[0] for line in requires("sweep-rg") or []}
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in direct} <= set(pins)


def test_every_kernel_is_unknown_to_the_framework() -> None:
    (contract,) = (item for item in contracts("forbidden") if item["name"].startswith("the framework knows"))
    modules = {
        path.stem for path in (ROOT / "kernels").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {f"sweep.kernels.{name}" for name in modules - {"__init__", "contract", "function"}} == set(
        contract["forbidden_modules"]
    )
