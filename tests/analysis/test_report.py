"""The report: its files, its table, its page in a real browser; incomplete stores."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from importlib.metadata import EntryPoint
from pathlib import Path

import exhibits
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from analysis_stores import TEMPERATURES, ising_store
from commands import family
from exhibits import afresh, broken, dying, undrawable

from sweep.analysis.estimators.two_point import torus_dimension
from sweep.analysis.exact.correlators import spin_correlation
from sweep.analysis.exhibits import catalogue
from sweep.analysis.exhibits.exhibit import Absent, Row, name_of
from sweep.analysis.exhibits.figure_5b import FIGURE_5B
from sweep.analysis.exhibits.figure_6a import FIGURE_6A
from sweep.analysis.exhibits.monte_carlo_dimensions import _shown
from sweep.analysis.exhibits.own_stage import stage_exhibit
from sweep.analysis.exhibits.thermodynamics import thermodynamics
from sweep.analysis.report import making
from sweep.analysis.report.origin import Origin, Run
from sweep.analysis.report.report import UnmadeError, write_report
from sweep.analysis.report.words import measured, undone

MAKERS = (thermodynamics, FIGURE_5B, FIGURE_6A)
RUN = Run("2026-01-02T03:04:05+00:00", "", "here (Linux x86_64)", "sweep launch grid.yaml", "git 0123456789")
ORIGIN = Origin("runs/toy.zarr", (RUN,), {"ising": 12.5})


class Links(HTMLParser):
    """Collects what a page points to."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value for name, value in attrs if name in ("src", "href") and value]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(ising_store(), tmp_path_factory.mktemp("report"), MAKERS, ORIGIN)


def test_every_figure_has_its_files_and_the_page_shows_them(page: Path) -> None:
    links = Links()
    links.feed(page.read_text())
    for name in ("thermodynamics", "figure-5b", "figure-6a"):
        for ending in ("png", "pdf", "csv"):
            assert (page.parent / f"{name}.{ending}").stat().st_size > 100
            assert f"{name}.{ending}" in links.targets
    beside = [target for target in links.targets if not target.startswith(("#", "data:", "https://"))]
    assert all((page.parent / target).is_file() for target in beside)
    images = [target for target in links.targets if target.startswith("data:image/png;base64,")]
    assert len(images) == 3, "the page holds its figures: it can be sent alone"


def test_processes_side_by_side_write_the_same(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "WORTH", 1)
    write_report(ising_store(), tmp_path, MAKERS, ORIGIN, processes=2)
    for path in page.parent.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_processes_side_by_side_are_no_forks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "WORTH", 1)
    page = write_report(_marked(tmp_path), tmp_path, (afresh, afresh), processes=2).read_text()
    assert page.count("began afresh") == page.count("made by the one that asks") == 1


def test_what_a_killed_process_leaves_is_made_by_the_one_that_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "WORTH", 1)
    told: list[int] = []
    makers = (dying, FIGURE_6A, dying)
    page = write_report(_marked(tmp_path), tmp_path, makers, ORIGIN, lambda done, _: told.append(done), processes=2)
    assert page.read_text().count("its process is not to be killed") == 2
    assert (tmp_path / "figure-6a.png").is_file()
    assert told == [0, 1, 2, 3]


def _marked(folder: Path) -> xr.DataTree:
    """Return a store that says where another process leaves a mark."""
    tree = ising_store()
    tree.attrs["mark"] = str(folder / "mark")
    return tree


@contextmanager
def _two_at_once(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that makes a long exhibit, and has another one make one; each of them says its number."""
    words = [sys.executable, exhibits.__file__, str(folder)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow  # a Ctrl-C is lost here at times, on a busy machine: to be mended
def test_processes_that_make_exhibits_say_nothing_when_all_are_interrupted(tmp_path: Path) -> None:
    """Also where Ctrl-C finds them at their imports."""
    with _two_at_once(tmp_path) as process:
        while not any("numpy" in Path(f"/proc/{one}/maps").read_text() for one in family(process.pid)[1:]):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=120)[1]
    assert said.count("Traceback") == 1, said
    assert "KeyboardInterrupt" in said.splitlines()[-1]


def test_processes_that_make_exhibits_do_not_outlive_the_one_that_asks(tmp_path: Path) -> None:
    with _two_at_once(tmp_path) as process:
        makers = {int(process.stdout.readline()) for _ in range(2)} if process.stdout else set()
        process.kill()
        process.wait()
        assert makers > {process.pid}
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{maker}").exists() for maker in makers):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_csv_holds_what_is_drawn(page: Path) -> None:
    numbers = pd.read_csv(page.parent / "figure-5b.csv", comment="#")
    at = numbers[(numbers["size"] == 6) & np.isclose(numbers["temperature"], TEMPERATURES[2])].iloc[0]
    spin = xr.DataArray(spin_correlation(6, TEMPERATURES[2]), dims=("dy", "dx"))
    assert at["torus_off"] == pytest.approx(float(torus_dimension(spin, "sigma")["dimension"]) - 1 / 8)
    assert abs(at["torus"] - 1 / 8) < 4 * at["torus_error"], "less what it is off on exact data"
    away = numbers[~np.isclose(numbers["temperature"], TEMPERATURES[2])]
    assert away["torus"].isna().all(), "away from T_c it means nothing"
    assert abs(at["paper"] - at["paper_on_exact_data"]) < 4 * at["paper_error"]


def test_stages_whose_labels_differ_in_the_last_digits_are_one_curve() -> None:
    """One stage has the labels of an older version of the store, which rounded them to 12 digits."""
    nodes = {node.path: node.to_dataset(inherit=False) for node in ising_store().subtree}
    rounded = [float(f"{t:.12g}") for t in TEMPERATURES]
    old = {path.replace("ising", "old"): data for path, data in nodes.items() if path != "/"}
    tree = xr.DataTree.from_dict(nodes | {path: data.assign_coords(temperature=rounded) for path, data in old.items()})
    for maker in MAKERS:
        exhibit = maker(tree)
        assert not isinstance(exhibit, Absent)
        assert exhibit.numbers["temperature"].values.tolist() == sorted(TEMPERATURES)


def test_table_states_exact_values_and_disagreement(page: Path) -> None:
    text = re.sub(r"\s+", " ", page.read_text())
    assert "Δσ, L = 6, T = 2.2692, paper&#39;s estimator" in text
    assert "does not hold 0.125" in text
    assert "This page makes" in text
    assert text.count("exact data (") >= 6, "verdicts on both estimators and the amplitude, of both sizes"
    assert "near 1/8 at T_c" in text


def test_page_opens_with_claims_and_ends_with_where_it_comes_from(page: Path) -> None:
    text = re.sub(r"<[^>]*>|\s+", " ", page.read_text())
    order = [
        "What the paper claims",
        "near 1 at T_c",
        "Contents",
        "What each ± means",
        "What to conclude",
        "This page makes",
    ]
    places = [text.index(words) for words in [*order, "12.5 s", RUN.commits, RUN.command]]
    assert places == sorted(places)
    assert "Biased in the paper&#39;s own estimator: Δσ from Monte Carlo is near 1/8 at T_c. All 6 values agree" in text


def test_nan_never_reaches_a_page(tmp_path: Path) -> None:
    """One chain, and so no error; and no point at T_c, and so no comparison with what holds there."""
    nodes = {node.path: node.to_dataset(inherit=False) for node in ising_store(undone=TEMPERATURES[2]).subtree}
    single = {"replica": slice(1), "bin": slice(1)}
    one = xr.DataTree.from_dict({path: data.isel(single, missing_dims="ignore") for path, data in nodes.items()})
    for tree in (one, ising_store(undone=TEMPERATURES[2])):
        page = write_report(tree, tmp_path, MAKERS).read_text()
        words = re.sub(r"base64,[^\"]*|<[^>]*>", " ", page)
        assert not re.findall(r"\S*\bnan\b.*", words)


def test_report_is_the_same_twice(tmp_path: Path, page: Path) -> None:
    again = write_report(ising_store(), tmp_path, MAKERS, ORIGIN)
    for path in page.parent.iterdir():
        assert (again.parent / path.name).read_bytes() == path.read_bytes(), path.name


def test_incomplete_points_are_left_out_and_counted(tmp_path: Path) -> None:
    page = write_report(ising_store(undone=2.0), tmp_path, MAKERS)
    assert "4 of 6 points are done." in page.read_text()
    assert 2.0 not in set(pd.read_csv(tmp_path / "figure-5b.csv", comment="#")["temperature"])
    numbers = pd.read_csv(tmp_path / "thermodynamics.csv", comment="#")
    assert numbers[numbers["temperature"] == 2.0]["energy"].isna().all()


def test_report_says_which_updates_were_chosen(page: Path) -> None:
    """As the store has it, by temperature, and for points that are not done nothing."""
    plan = "93 sweeps before a chain&#39;s first sample, 16 between samples"
    chosen = f"L = 5: Metropolis at T = 2 to 2.269, {plan}, Swendsen-Wang at T = 2.3, {plan}"
    assert chosen in page.read_text()
    caption = thermodynamics(ising_store(undone=2.3)).caption
    assert "Metropolis" in caption
    assert "Swendsen-Wang" not in caption


@pytest.mark.parametrize("processes", [1, 2])
def test_what_cannot_be_made_is_named_in_its_place_and_all_else_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """A built-in exhibit, one of another package that is not there, and one that cannot be drawn, in one way."""
    monkeypatch.setattr(making, "WORTH", 1)
    added = partial(catalogue._added, entry=EntryPoint("theirs", "nowhere:exhibit", catalogue.GROUP))
    with pytest.raises(UnmadeError) as raised:
        write_report(ising_store(), tmp_path, (broken, added, FIGURE_6A, undrawable), ORIGIN, processes=processes)
    text = " ".join(re.sub(r"base64,[^\"]*|<[^>]*>", " ", raised.value.page.read_text()).split())
    line = "Could not be made: ZeroDivisionError: division by zero (exhibits.py, line"
    reasons = [line, "Could not be made: ModuleNotFoundError: No module named &#39;nowhere&#39; (", "near 1 at T_c"]
    places = [text.rindex(words) for words in [*reasons, "Could not be made: ValueError: "]]
    assert places[:2] == sorted(places[:2])
    assert places[1] < places[3], "in their places"
    assert "Not all exhibits could be made: broken , theirs , undrawable ." in text
    assert (tmp_path / "figure-6a.csv").is_file()
    assert [one.name for one in raised.value.unmade] == ["broken", "theirs", "undrawable"]
    assert "in broken" in raised.value.__notes__[0]


def test_makers_are_called_by_the_names_of_their_files() -> None:
    named = [name_of(maker) for maker in (*catalogue.SHOWN, partial(stage_exhibit, name="walk"))]
    assert {"figure-2", "figure-5a", "figure-6b", "figure-12", "thermodynamics", "walk"} <= {*named}
    assert len({*named}) == len(named)


def test_what_failed_is_told_from_what_is_not_done_yet(tmp_path: Path) -> None:
    origin = replace(ORIGIN, failed={"ising": 1}, waiting={"other": 4})
    text = write_report(ising_store(undone=2.0), tmp_path, MAKERS, origin).read_text()
    assert "4 of 6 points are done.</strong> 1 failed and set aside, 1 not done yet." in text
    assert ">1 failed and set aside, 1 not done yet</td>" in text
    assert undone(9, 2, 1, 2) == "1 failed and set aside, 2 waiting for one that failed, 4 not done yet"
    assert undone(9, 9, 0, 0) == ""


def test_missing_stage_is_named(tmp_path: Path) -> None:
    empty = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"name": "empty", "seed": 1, "grid": "", "packages": {}})})
    page = write_report(empty, tmp_path, MAKERS)
    assert "no stage of the kernel ising" in page.read_text()
    assert isinstance(thermodynamics(empty), Absent)


def test_temperature_on_the_axis_is_the_stores_own() -> None:
    """Labels all the way: the axis label has the store's units, the points stand at the store's labels."""
    exhibit = FIGURE_5B(ising_store())
    assert not isinstance(exhibit, Absent)
    panel = exhibit.figure.axes[0]
    assert panel.get_xlabel() == "temperature T (J/k_B)"
    np.testing.assert_allclose(panel.containers[0][0].get_xdata(), sorted(TEMPERATURES))


def test_distances_from_exact_values_are_in_errors_and_sizes_have_one_colour() -> None:
    exhibit = thermodynamics(ising_store())
    assert not isinstance(exhibit, Absent)
    above, _, below, _ = exhibit.figure.axes
    numbers, points = exhibit.numbers.sel(size=5), below.lines[1]
    expected = (numbers["energy"] - numbers["energy_exact"]) / numbers["energy_error"]
    np.testing.assert_allclose(points.get_ydata(), expected)
    colours = [above.containers[place][0].get_color() for place in range(2)]
    assert colours == [line.get_color() for line in below.lines[1:]]
    assert len({*colours}) == 2


def test_numbers_in_the_usual_short_form() -> None:
    assert measured(Row("x", 0.12493, 0.00023, "", "")) == "0.12493 ± 0.00023"
    assert measured(Row("x", 12.3, 4.2, "", "")) == "12.3 ± 4.2"
    assert measured(Row("x", float("nan"), 1.0, "", "")) == "none"
    assert measured(Row("x", 1.5, float("nan"), "", "")) == "1.5"


ASKING = """<script>
addEventListener("load", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  const shown = [...document.images].filter((one) => one.complete && one.naturalWidth > 0 && one.clientWidth > 0);
  document.title = `${shown.length} of ${document.images.length} images`;
  console.error("the page has loaded");
});
</script>"""
"""How many images a page shows, in its title, and a word on the console."""


def chromium(folder: Path, *arguments: str) -> tuple[str, str]:
    """Return what a browser writes of a page, and what it says beside."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder}/profile"]
    command = ["chromium", *flags, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout, done.stderr


needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")


@needs_chromium
def test_page_in_a_browser(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    chromium(tmp_path, "--window-size=900,2600", f"--screenshot={picture}", page.as_uri())
    assert picture.stat().st_size > 50_000, "a page with figures, not a blank one"
    asking = tmp_path / "asking.html"
    asking.write_text(page.read_text() + ASKING)
    flags = ["--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom"]
    answer, log = chromium(tmp_path, *flags, asking.as_uri())
    found = re.search(r"<title>(\d+) of (\d+) images</title>", answer)
    assert found, answer[:2000]
    assert int(found[1]) == int(found[2]) == page.read_text().count("<img ") > 0, "every image is shown"
    said = [line for line in log.splitlines() if "CONSOLE" in line]
    assert len(said) == 1, said
    assert "the page has loaded" in said[0], "what the console says is heard"


@needs_chromium
@pytest.mark.parametrize("place", ["numbers-figure-5b", "claim-1"])
def test_what_a_link_leads_to_is_unfolded(page: Path, tmp_path: Path, place: str) -> None:
    shown, _ = chromium(tmp_path, "--dump-dom", f"{page.as_uri()}#{place}")
    (unfolded,) = re.findall(r'<details open="">.*?</details>', shown, re.DOTALL)
    assert f'id="{place}"' in unfolded


def test_sizes_with_most_temperatures_are_drawn_and_all_are_in_the_table():
    counts = {64: 1, 32: 1, 10: 5, 9: 5, 6: 2}
    estimates = {size: xr.Dataset(coords={"temperature": range(count)}) for size, count in counts.items()}
    assert _shown(estimates) == [10, 9]
    assert _shown({64: estimates[64], 32: estimates[32], 16: estimates[32]}) == [64, 32]
