"""What keeps the widgets apart: no colour of their own, no screen, no network, nothing imported before it is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import warroom.tui.widgets as widgets

FOLDER = Path(next(iter(widgets.__path__)))
SOURCES = sorted(FOLDER.glob("*.py"))
DATA = ("warroom.telemetry.logs", "warroom.telemetry.log_buffer", "warroom.telemetry.series")
"""Plain data that a widget may draw: no network stands behind it."""


def test_widgets_name_no_colour_and_no_costly_selector() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"#[0-9a-fA-F]{6}\b", text), f"{path.name} spells a colour"
        assert ":focus-within" not in text, path.name
        assert not re.search(r"(?m)^\s*\* *\{", text), f"{path.name} has a * selector"


def test_widgets_import_nothing_of_the_house_but_their_own() -> None:
    allowed = ("warroom.tui.widgets", "warroom.tui.glyphs", "warroom.tui.palette", "warroom.tui.themes", *DATA)
    for path in SOURCES:
        for name in re.findall(r"(?m)^\s*(?:from|import) (warroom[\w.]*)", path.read_text(encoding="utf-8")):
            assert name.startswith(allowed), f"{path.name} imports {name}"


def test_the_package_imports_no_widget_and_charts_no_numbers_library() -> None:
    code = (
        "import sys, warroom.tui.widgets;"
        "assert 'textual' not in sys.modules;"
        "import warroom.tui.widgets.chart, warroom.tui.widgets.rows, warroom.tui.widgets.prompt;"
        "bad = {'numpy', 'pydantic', 'httpx', 'websockets', 'requests', 'warroom.client'} & set(sys.modules);"
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
