"""Programs of launches, edits, mishaps and repairs, against a plain model of what must be in the store.

After every step the store is opened with xarray and held to the model: what it calls done has the bits that the kernel
gives outside of the framework, at its own label; nothing that was done is gone; axes of numbers ascend. A launch that
says complete has done all that its grid wants, and one that is refused has changed no file.
"""

from __future__ import annotations

import copy
import itertools
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import HealthCheck, event, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from mishaps import DAMAGES, failing_at, interrupted_at, killed_at
from plain_model import Labels, Point, ascending, differences, expected, files_of, points_of, read_tree
from xarray import DataTree

import sweep.run.work
from sweep.errors import SweepError
from sweep.grid.resolve import resolve
from sweep.planning.plan import Layout
from sweep.run.driver import Summary, launch
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import Finding, verify_store

X = (0.1 + 0.2, -1.0, 0.0, 1 / 3, 1.0, 2.5, 7.0, 1e-9)
SIZES = (2, 1, 3)
WORDS = ("up", "left", "right", "down")
MEMORY = Path("/dev/shm")  # where there is one: programs are short and have many files
# Harmless to damage: what only a running launch needs, and what was noted for people.
UNREAD = (".sweep/lease", ".sweep/created", ".sweep/failures", ".sweep/launches", ".sweep/tasks", ".sweep/epochs")
# Nobody misses it when it is gone: its points count as not done, a longer run begins anew.
UNMISSED = re.compile(r"\.sweep/states/.*|[^/]+/done/(?!zarr\.json).*")

COUNT = st.integers(0, 9999)
Document = dict[str, Any]


def base(name: str) -> Document:
    """Return a stage as it is when it joins a grid."""
    forms: dict[str, Document] = {
        "marks": {"kernel": "marks:MARKS", "axes": {"size": [2], "x": [0.0, 1.0]}, "params": {"rows": 3}},
        "words": {"kernel": "marks:MARKS", "axes": {"word": ["up"], "x": [0.0]}, "params": {"rows": 2}},
        "single": {"kernel": "marks:MARKS", "axes": {}, "params": {"rows": 3}},
        "sums": {"kernel": "marks:SUMS", "axes": {"x": [0.0]}, "inputs": {"data": "marks"}},
    }
    return copy.deepcopy(forms[name])


class StoreMachine(RuleBasedStateMachine):
    """A store on disk, a grid that is edited, and what is known to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.path = self.folder / "store.zarr"
        self.stages: Document = {"marks": base("marks")}
        self.seeds: dict[str, int] = {}  # of every stage for which something was computed
        self.read: dict[str, tuple[tuple[int, ...], int]] = {}  # sizes and rows of what sums were made from
        self.known: dict[tuple[str, Labels], Point] = {}
        self.renamed = itertools.count(1)
        self.tree: DataTree | None = None  # what was read after the last launch, until the next look
        self.changed = self.cut = False  # since the last look; by a kill, and not yet launched again

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # -- edits of the grid ----------------------------------------------------------------------------------------

    @rule(stage=st.integers(0, 9), axis=st.integers(0, 1), label=st.integers(0, 7))
    def add_label(self, stage: int, axis: int, label: int) -> None:
        labels, pool = self._axis(stage, axis)
        if pool and pool[label % len(pool)] not in labels:
            labels.append(pool[label % len(pool)])

    @rule(stage=st.integers(0, 9), axis=st.integers(0, 1), label=st.integers(0, 7))
    def drop_label(self, stage: int, axis: int, label: int) -> None:
        labels, _ = self._axis(stage, axis)
        if len(labels) > 1:
            labels.pop(label % len(labels))

    @rule(stage=st.integers(0, 9), axis=st.integers(0, 1))
    def reorder(self, stage: int, axis: int) -> None:
        self._axis(stage, axis)[0].reverse()

    @rule(stage=st.integers(0, 9), rows=st.integers(1, 6))
    def set_rows(self, stage: int, rows: int) -> None:
        chosen = self._stage(stage)
        if "params" in chosen:
            chosen["params"]["rows"] = rows

    @rule(name=st.sampled_from(["words", "single", "sums"]))
    def add_or_drop_stage(self, name: str) -> None:
        if name in self.stages:
            del self.stages[name]
        else:
            self.stages[name] = base(name)

    @rule()
    def rename(self) -> None:
        if "words" in self.stages:
            self.stages[f"words{next(self.renamed)}"] = self.stages.pop("words")

    def _stage(self, number: int) -> Document:
        stage: Document = self.stages[list(self.stages)[number % len(self.stages)]]
        return stage

    def _axis(self, number: int, axis: int) -> tuple[list[Any], tuple[Any, ...]]:
        axes = self._stage(number)["axes"]
        if not axes:
            return [], ()
        name = list(axes)[axis % len(axes)]
        return axes[name], {"x": X, "size": SIZES, "word": WORDS}[name]

    # -- launches -------------------------------------------------------------------------------------------------

    @rule(seed=st.sampled_from([1, 1, 1, 1, 1, 2]))
    def launch(self, seed: int) -> None:
        self._launch(seed)

    @rule(block=st.integers(1, 12), checkpoints=st.booleans())
    def interrupt(self, block: int, checkpoints: bool) -> None:
        self._launch(1, around=interrupted_at(block), checkpoints=checkpoints)

    @rule(label=st.sampled_from(X))
    def fail(self, label: float) -> None:
        self._launch(1, around=failing_at(label))

    @rule(step=st.integers(1, 150), checkpoints=st.booleans())
    def kill(self, step: int, checkpoints: bool) -> None:
        self._launch(1, around=killed_at(step, self.path), checkpoints=checkpoints)

    @rule()
    def other_grid(self) -> None:
        """Launch a grid of another seed, with stages of other names, into the same store."""
        self._launch(2, {"other": base("marks"), "alone": base("single")})

    def _launch(
        self,
        seed: int,
        stages: Document | None = None,
        around: AbstractContextManager[Any] = nullcontext(),  # noqa: B008 - it has no state
        checkpoints: bool = False,
    ) -> None:
        stages = _consistent(self.stages if stages is None else stages)
        document = {"name": "machine", "seed": seed, "stages": stages}
        grid = resolve(document, yaml.safe_dump(document, sort_keys=False), "grid")
        before, stored, summary = files_of(self.path), self._stored(), None
        refusal = self._refusal(seed, stages, stored)
        try:
            with mock.patch.object(sweep.run.work, "CHECKPOINT_SECONDS", 0.0 if checkpoints else 10.0), around:
                summary = launch(grid, str(self.path))
        except SweepError:
            event("refused")
            if not refusal or files_of(self.path) != before:  # refused without a reason, or after something was written
                raise
        else:
            self.cut = summary is None
            assert self.cut or not refusal, f"not refused: {refusal}"
            self._note(seed, stages, stored)
        if summary is not None:
            self._check_complete(summary, stages)
        self.changed = True

    def _stored(self) -> Mapping[str, Layout]:
        """Return the layouts of the stages for which something was computed."""
        return Store(Location(str(self.path))).layouts() if self.path.exists() else {}

    def _refusal(self, seed: int, stages: Document, stored: Mapping[str, Layout]) -> str:
        """Return why a launch must be refused, nothing when it must not."""
        for name in stored.keys() & stages.keys():
            if self.seeds[name] != seed:
                return f"the seed of {name}"
            if name == "sums" and self.read[name] != _read(stages, stored):
                return "sums read something else"
        return ""

    def _note(self, seed: int, stages: Document, before: Mapping[str, Layout]) -> None:
        """Remember what a launch has begun, as far as it came."""
        begun = self._stored().keys()
        self.seeds = {name: self.seeds.get(name, seed) for name in begun}
        if "sums" in stages and "sums" not in before:
            self.read["sums"] = _read(stages, before)

    def _check_complete(self, summary: Summary, stages: Document) -> None:
        self.tree = read_tree(self.path)
        found = points_of(self.tree)
        missing = [
            (name, labels)
            for name, stage in stages.items()
            for labels in _points(stage)
            if not (point := found[name, labels]).done or point.rows < stage.get("params", {"rows": 1})["rows"]
        ]
        event("complete" if summary.complete else "not complete")
        assert summary.interrupted or summary.complete == (not missing), missing
        assert not (summary.complete and missing)

    # -- verify, damage, repair -----------------------------------------------------------------------------------

    @precondition(lambda self: self._is_there())
    @rule(everything=st.booleans())
    def verify(self, everything: bool) -> None:
        found = self._verify(everything=everything, repair=self.cut)
        assert self.cut or not found, found
        self._after_repair()

    @precondition(lambda self: self._is_there())
    @rule(
        file=COUNT,
        kind=st.sampled_from(sorted(DAMAGES)),
        where=st.integers(0, 9999),
        launched=st.booleans(),
    )
    def damage(self, file: int, kind: str, where: int, launched: bool) -> None:
        """Damage a file; launch, if that is to come first; repair. Nothing may be wrong afterwards."""
        files = [name for name in sorted(files_of(self.path)) if not name.startswith(UNREAD) and ".partial" not in name]
        name = files[file % len(files)]
        target = self.path / name
        before = target.read_bytes()
        DAMAGES[kind](target, where)
        if target.exists() and target.read_bytes() == before:
            return
        if launched:
            with suppress(SweepError):
                self._launch_whatever()
        found = self._verify(repair=True)
        unmissed = kind == "delete" and UNMISSED.fullmatch(name)
        assert found or launched or self.cut or unmissed, f"{kind} of {name} was not found"
        event(f"damage repaired: {kind}")
        self._after_repair()

    @precondition(lambda self: self._is_there())
    @rule(file=COUNT)
    def leave_partial(self, file: int) -> None:
        """Leave behind what a killed writer had half made."""
        files = [name for name in sorted(files_of(self.path)) if not name.endswith(".partial")]
        target = self.path / files[file % len(files)]
        target.with_name(f"{target.name}.{uuid.uuid4().hex}.partial").write_bytes(b"half")

    def _launch_whatever(self) -> None:
        stages = _consistent(self.stages)
        document = {"name": "machine", "seed": 1, "stages": stages}
        stored = self._stored()
        launch(resolve(document, yaml.safe_dump(document, sort_keys=False), "grid"), str(self.path))
        self._note(1, stages, stored)

    def _verify(self, **options: bool) -> tuple[Finding, ...]:
        return verify_store(Store(Location(str(self.path))), **options).findings

    def _after_repair(self) -> None:
        """What was taken back is no more known to be done; nothing is wrong any more."""
        assert self._verify(everything=True) == ()
        self.cut = False
        begun = self._stored().keys()
        self.seeds = {name: seed for name, seed in self.seeds.items() if name in begun}
        self.known, self.changed = {}, True

    def _is_there(self) -> bool:
        return bool(Store(Location(str(self.path))).manifest()) if self.path.exists() else False

    # -- what must hold -------------------------------------------------------------------------------------------

    @invariant()
    def what_is_called_done_is_right_and_nothing_is_lost(self) -> None:
        if not self.changed or not (self.path / "zarr.json").exists():
            return
        tree = self.tree or read_tree(self.path)
        found = points_of(tree)
        for point in found.values():
            if point.rows:
                assert differences(tree, point.stage, point, self._expected(point)) == []
        for key, before in self.known.items():
            assert key in found, f"{key} is gone"
            assert found[key].continues(before), f"{before} has become {found[key]}"
        assert ascending(tree)
        self.known = {key: point for key, point in found.items() if point.rows}
        self.tree, self.changed = None, False

    def _expected(self, point: Point) -> dict[str, Any]:
        blocks = -(-point.rows // 2)
        if point.stage != "sums":
            return expected(self.seeds[point.stage], point.stage, "marks:MARKS", point.labels, blocks)
        sizes, rows = self.read["sums"]
        read = tuple(((("size", size), *point.labels), -(-rows // 2), rows) for size in sizes)
        return expected(self.seeds["sums"], "sums", "marks:SUMS", point.labels, 1, read)


def _consistent(stages: Document) -> Document:
    """Return stages that a grid may have: sums are made where there is something to add up, of all of it."""
    stages = copy.deepcopy(stages)
    if "sums" in stages:
        stages["sums"]["axes"]["x"] = [x for x in stages["sums"]["axes"]["x"] if x in stages["marks"]["axes"]["x"]]
        if not stages["sums"]["axes"]["x"]:
            del stages["sums"]
    return stages


def _points(stage: Document) -> Iterator[Labels]:
    axes = dict(sorted(stage["axes"].items()))
    for labels in itertools.product(*axes.values()):
        yield tuple(zip(axes, labels, strict=True))


def _read(stages: Document, stored: Mapping[str, Layout]) -> tuple[tuple[int, ...], int]:
    """Return the sizes and the rows that sums read."""
    marks = stages["marks"]
    grown = stored["marks"].extents["rows"] if "marks" in stored else 0
    return tuple(marks["axes"]["size"]), max(marks["params"]["rows"], grown)


def run_programs(count: int, first: int, steps: int = 8) -> None:
    """Run programs that the number `first` begins; the same ones each time."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    options = settings(
        max_examples=count, stateful_step_count=steps, deadline=None, database=None, suppress_health_check=checks
    )
    run_state_machine_as_test(seed(first)(StoreMachine), settings=options)


def test_some_programs() -> None:
    run_programs(10, first=0)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 11))
def test_two_thousand_programs(first: int) -> None:
    run_programs(200, first)
