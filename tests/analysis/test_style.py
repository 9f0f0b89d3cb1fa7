"""How figures look: words, legends, axes."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import pytest
from analysis_stores import ising_store
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from sweep.analysis.exhibits.exhibit import Exhibit
from sweep.analysis.exhibits.figure_5b import FIGURE_5B
from sweep.analysis.exhibits.style import TEXT, below_legend, new_figure, step_axis, typeset_subscripts
from sweep.analysis.exhibits.thermodynamics import thermodynamics


def words_of(figure: Figure) -> list[Text]:
    """Return all words that a figure shows, after it was drawn."""
    FigureCanvasAgg(figure).draw()
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text()]


def test_subscripts_are_mathematics_and_names_stay_as_they_are():
    figure, (panel,) = new_figure()
    panel.set(title="flow_T_c of T_c", xlabel="T (J/k_B)", ylabel="ln Tr_h exp(T), already $T_c$")
    typeset_subscripts(figure)
    assert panel.get_title() == "flow_T_c of $T_c$"
    assert panel.get_xlabel() == "T (J/$k_B$)"
    assert panel.get_ylabel() == "ln $\\mathrm{Tr}_h$ exp(T), already $T_c$"
    words_of(figure)  # Matplotlib can read it


@pytest.mark.parametrize("maker", [thermodynamics, FIGURE_5B])
def test_all_words_of_a_figure_have_one_size(maker):
    with mpl.rc_context(TEXT):
        exhibit = maker(ising_store())
        assert isinstance(exhibit, Exhibit)
        assert {text.get_fontsize() for text in words_of(exhibit.figure)} == {TEXT["font.size"]}


def test_a_legend_below_has_each_label_once_and_no_wider_than_the_figure():
    with mpl.rc_context(TEXT):
        figure, panels = new_figure(2)
        for panel in panels:
            for number in range(6):
                panel.plot([0, 1], [0, number], label=f"machine_{number}, 24×24, 144 hidden units, T = 2.269")
        below_legend(figure, *panels)
        (legend,) = figure.legends
        words_of(figure)
    assert len(legend.get_texts()) == 6
    assert legend.get_window_extent().width < figure.bbox.width


@pytest.mark.parametrize("steps", [[0, 100, 3200], [0, 250, 500], [1000, 50000], [0, 1000], [0], [500]])
def test_all_steps_of_a_training_are_in_view_and_their_numbers_apart(steps):
    _, (panel,) = new_figure()
    panel.plot(steps, steps, "o")
    step_axis(panel, steps)
    low, high = panel.get_xlim()
    assert low <= min(steps)
    assert max(steps) <= high
    FigureCanvasAgg(panel.figure).draw()
    boxes = [label.get_window_extent() for label in panel.get_xticklabels() if label.get_text()]
    shown = sorted((box.x0, box.x1) for box in boxes)
    assert shown
    assert all(left[1] < right[0] for left, right in itertools.pairwise(shown))
