"""How `make docs` builds the pages."""

import dataclasses
import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))  # for the two extensions of our own

project = "sweep"
copyright = "the sweep-rg authors"  # noqa: A001 - Sphinx reads this name
version = release = version_of("sweep-rg")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "kernel_tables", "notebook_pages"]
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]  # two modules may each have a `Machine`
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

default_role = "py:obj"  # `name` in a docstring: a link where there is such a thing
add_module_names = False
toc_object_entries = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say the types, with shapes and units
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "alabaster"
html_theme_options = {
    "description": "Numerical experiments at every point of a grid",
    "page_width": "1150px",
    "code_font_size": "0.75em",
    "sidebar_width": "250px",
}
html_show_sourcelink = False


def keep_bars(app: Any, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Let ``|m|`` in a docstring be the modulus of m, and no substitution of reStructuredText."""
    lines[:] = [re.sub(r"(`[^`]*`)|\|", lambda found: found[1] or r"\|", line) for line in lines]


def without_fields(app: Any, what: str, name: str, item: Any, *signature: Any) -> tuple[str, str] | None:
    """Leave out the signature of a class of values: its docstring says what its fields are."""
    return ("", "") if dataclasses.is_dataclass(item) else None


def setup(app: Any) -> None:
    """Tell Sphinx of what is ours."""
    app.connect("autodoc-process-docstring", keep_bars)
    app.connect("autodoc-process-signature", without_fields)
