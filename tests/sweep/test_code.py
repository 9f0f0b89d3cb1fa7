"""The fingerprint of code: what changes it, what does not, and how the difference is told."""

from __future__ import annotations

import importlib
import os
import py_compile
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sweep.grid.code import code_of, differences
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve

KERNEL = '''
"""A die and a shift."""

from dataclasses import dataclass
import numpy as np
from sweep.kernels.contract import Kernel, Output, parameter
import shifts
from tools import scale

FACTOR = 2.0


@dataclass(frozen=True)
class P:
    x: float = parameter("a number", default=0.0)


def outputs(p):
    return {"y": Output((), (), "float64")}


def advance(p, state, rng, inputs, offset=1.0):
    """Return one number."""
    from lazily import late  # when it is needed

    return state, {"y": np.asarray(FACTOR * p.x + offset + shifts.SHIFT + scale(p.x) + late())}


TOY = Kernel("toy", 1, P, outputs, lambda p, rng, inputs: (), advance, cost=lambda p: 1e-3, example=P())
'''
FILES = {
    "toy_kernel.py": KERNEL,
    "shifts.py": "SHIFT = 3\n",
    "tools/__init__.py": "from .deep import scale\n",
    "tools/deep.py": "import shifts\n\n\ndef scale(x):\n    return x * shifts.SHIFT\n",
    "tools/unused.py": "VALUE = 1\n",
    "lazily.py": "def late():\n    import importlib\n    return importlib.import_module('named').ZERO\n",
    "named.py": "ZERO = 0\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def code() -> dict[str, Any]:
    importlib.invalidate_caches()
    document = {"name": "g", "seed": 1, "stages": {"s": {"kernel": "toy_kernel:TOY", "axes": {"x": [1, 2]}}}}
    grid: Grid = resolve(document, "", "g.yaml")
    return code_of(grid.stages["s"])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.usefixtures("folder")
def test_what_is_covered() -> None:
    found = code()
    assert set(found["modules"]) == {"toy_kernel", "shifts", "tools", "tools.deep", "lazily", "named"}
    assert set(found["modules"]["toy_kernel"]) >= {"P", "outputs", "advance", "FACTOR", "TOY", "(imports)"}
    assert set(found["packages"]) == {"numpy"}, "the contract computes nothing"


CHANGES: dict[str, tuple[str, str, str, str]] = {
    "a constant": ("toy_kernel.py", "FACTOR = 2.0", "FACTOR = 2.5", "module toy_kernel: FACTOR changed"),
    "a constant's type": ("toy_kernel.py", "FACTOR = 2.0", "FACTOR = 2", "module toy_kernel: FACTOR changed"),
    "a formula": ("toy_kernel.py", "FACTOR * p.x", "FACTOR + p.x", "module toy_kernel: advance changed"),
    "a default argument": ("toy_kernel.py", "offset=1.0", "offset=1.5", "module toy_kernel: advance changed"),
    "a default of a parameter": ("toy_kernel.py", "default=0.0", "default=0.5", "module toy_kernel: P changed"),
    "a lambda": ("toy_kernel.py", "inputs: ()", "inputs: (np.zeros(1),)", "module toy_kernel: TOY changed"),
    "a decorator": ("toy_kernel.py", "frozen=True", "frozen=True, order=True", "module toy_kernel: P changed"),
    "an import": (
        "toy_kernel.py",
        "import numpy",
        "import cmath\nimport numpy",
        "module toy_kernel: (imports) changed",
    ),
    "a new line": ("toy_kernel.py", "TOY =", "FACTOR *= 2\nTOY =", "module toy_kernel: FACTOR changed"),
    "a helper beside it": ("shifts.py", "3", "4", "module shifts: SHIFT changed"),
    "a helper in a package": ("tools/deep.py", "x * ", "x / ", "module tools.deep: scale changed"),
    "a module imported lazily": ("lazily.py", "'named').ZERO", "'named').ZERO + 1", "module lazily: late changed"),
    "a module imported by its name": ("named.py", "0", "1", "module named: ZERO changed"),
    "two at once": ("shifts.py", "SHIFT = 3", "SHIFT = 5\nMORE = 1", "module shifts: SHIFT changed, MORE added"),
    "another module": ("lazily.py", "'named'", "'shifts'", "module lazily: late changed"),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_change_of_code_is_told(change: str, folder: Path) -> None:
    file, old, new, told = CHANGES[change]
    before = code()
    edit(folder / file, old, new)
    assert differences(before, code())[0] == told


def test_modules_that_come_and_go_and_packages(folder: Path) -> None:
    before = code()
    edit(folder / "lazily.py", "'named'", "'tools.unused'")
    edit(folder / "shifts.py", "SHIFT = 3", "import yaml\nSHIFT = 3")
    found = differences(before, code())
    assert "module named is no longer used" in found
    assert "module tools.unused is new" in found
    assert found[-1].startswith("package pyyaml was not used, is ") or found[-1].startswith("package PyYAML was not")
    older = {**before, "packages": {"numpy": "1.0"}}
    assert differences(older, before) == [f"package numpy was 1.0, is {before['packages']['numpy']}"]


def test_statements_in_another_order(folder: Path) -> None:
    (folder / "shifts.py").write_text("A = 1\nSHIFT = 3\n")
    before = code()
    (folder / "shifts.py").write_text("SHIFT = 3\nA = 1\n")
    assert differences(before, code()) == ["module shifts: the order of its statements changed"]


def _reformat(text: str) -> str:
    text = text.replace(
        '    """Return one number."""', '    """Return quite another text,\n\n    longer than before.\n    """'
    )
    text = text.replace("    return state", "    # a comment\n\n    pass\n    return (\n        state")
    text = text.replace("late())}", "late())  # and one here\n}\n    )").replace('"y"', "'y'").replace("1e-3", "0.001")
    return "# -*- coding: utf-8 -*-\n# A comment on top.\n" + text.replace("\n", "\r\n")


SAME: dict[str, Callable[[Path], object]] = {
    "comments, docstrings, line ends, quotes": lambda path: path.write_bytes(_reformat(path.read_text()).encode()),
    "blank lines": lambda path: path.write_text(path.read_text().replace("\n\n", "\n\n\n\n")),
    "no docstring at all": lambda path: path.write_text(path.read_text().replace('    """Return one number."""\n', "")),
    "touched": lambda path: path.touch(),
}


@pytest.mark.parametrize("change", list(SAME))
def test_looks_are_no_code(change: str, folder: Path) -> None:
    before = code()
    SAME[change](folder / "toy_kernel.py")
    assert differences(before, code()) == []
    edit(folder / "toy_kernel.py", "FACTOR *", "FACTOR +")
    assert differences(before, code()) == ["module toy_kernel: advance changed"]


def test_a_module_that_nothing_imports(folder: Path) -> None:
    before = code()
    edit(folder / "tools" / "unused.py", "1", "2")
    assert code() == before


def test_built_in_kernels_are_covered_by_their_version() -> None:
    document = {
        "name": "g",
        "seed": 1,
        "stages": {"s": {"kernel": "ising", "axes": {"size": [4], "temperature": [1.0]}}},
    }
    found = code_of(resolve(document, "", "g.yaml").stages["s"])
    assert (found["modules"], found["packages"]) == ({}, {})
    assert set(found["installed"]) <= {"sweep-rg"}


def test_a_module_that_is_no_python_text_counts_by_its_bytes(folder: Path) -> None:
    """A module compiled to bytes alone, as a C extension is."""
    edit(folder / "toy_kernel.py", "import shifts", "import compiled\nimport shifts")
    (folder / "compiled.py").write_text("A = 1\n")
    found = []
    for text in ("A = 1\n", "A = 2\n"):
        (folder / "source.txt").write_text(text)
        py_compile.compile(str(folder / "source.txt"), cfile=str(folder / "compiled.pyc"))
        (folder / "compiled.py").unlink(missing_ok=True)
        found.append(code())
    assert differences(*found) == ["module compiled: (file) changed"]


def test_a_module_in_a_zip_archive(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(folder / "toy_kernel.py", "import shifts", "import zipped\nimport shifts")
    found = []
    for value in (1, 2):
        archive = folder / f"{value}.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("zipped.py", f"A = {value}\n")
        monkeypatch.syspath_prepend(archive)
        sys.modules.pop("zipped", None)
        found.append(code())
    assert differences(*found) == ["module zipped: A changed"]


SESSION = """
import numpy as np
from dataclasses import dataclass
from sweep.kernels.contract import Kernel, Output, parameter
import shifts

FACTOR = 2.0
TABLE = np.arange(3)

@dataclass(frozen=True)
class P:
    x: float = parameter("a number", default=0.0)

def helper(x):
    return FACTOR * x + TABLE.sum() + shifts.SHIFT

def advance(p, state, rng, inputs):
    return state, {"y": np.asarray(helper(p.x))}

def outputs(p):
    return {"y": Output((), (), "float64")}

TOY = Kernel("toy", 1, P, outputs, lambda p, rng, inputs: (), advance, cost=lambda p: 1e-3)
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("FACTOR = 2.0", "FACTOR = 3.0", "FACTOR"),
        ("arange(3)", "arange(4)", "TABLE"),
        ("FACTOR * x", "FACTOR / x", "helper"),
        ("cost=lambda p: 1e-3", "cost=lambda p: 2e-3", "cost"),
        ("default=0.0", "default=1.0", "params"),
        ("helper(p.x)", "helper(2 * p.x)", "advance"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_kernel_typed_into_a_session(old: str, new: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(text: str) -> dict[str, Any]:
        main = type(sys)("__main__")
        monkeypatch.setitem(sys.modules, "__main__", main)
        exec(compile(textwrap.dedent(text), "<cell>", "exec"), main.__dict__)
        document = {"name": "g", "seed": 1, "stages": {"s": {"kernel": "__main__:TOY", "axes": {"x": [1, 2]}}}}
        return code_of(resolve(document, "", "g.yaml").stages["s"])

    before = typed(SESSION)
    assert set(before["modules"]) == {"(session)", "shifts"}
    assert differences(before, typed(SESSION + "\n# a comment\n")) == []
    found = differences(before, typed(SESSION.replace(old, new)))
    assert found == [f"module (session): {told} changed"]


HASHED = """
import sys
from dataclasses import dataclass
from sweep.kernels.contract import Kernel, Output, parameter
NAMES = {"a", "b", "c", "d", "e"}

@dataclass(frozen=True)
class P:
    y: float = parameter("a number that every grid gives")
    x: float = parameter("a number", default=0.0)

advance = lambda p, state, rng, inputs: (state, {"y": p.x in {"u", "v", "w"} or p.x in NAMES})
TOY = Kernel("toy", 1, P, lambda p: {}, lambda p, rng, inputs: (), advance, cost=lambda p: 1e-3)
import sweep
@sweep.kernel(outputs={})
def plain(size: int, field=1.0, *, rng): ...
from sweep.grid.session import session_source
print(session_source(TOY).digests, session_source(plain).digests)
"""


def test_the_code_of_a_session_is_the_same_in_every_process() -> None:
    """Sets have another order in each; there is no file, so that nothing but the compiled code is to be had."""
    told = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    assert "'function'" in told.pop()


def test_names_that_no_module_can_have(folder: Path) -> None:
    odd = "import importlib\nfor name in ('', 'a\\0b', '..up'):\n    name\n"
    calls = "def f():\n    importlib.import_module('')\n    importlib.import_module('a\\0b')\n    __import__('..up')\n"
    (folder / "shifts.py").write_text(f"SHIFT = 3\n{odd}{calls}")
    assert "shifts" in code()["modules"]
