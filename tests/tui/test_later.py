"""What the first frame does not need is not loaded before it, and is there soon after."""

from __future__ import annotations

import subprocess
import sys

_LEFT_OUT = "{'warroom.tui.screens.form', 'warroom.tui.screens.reading', 'warroom.review.brief'}"


def _loaded(then: str) -> str:
    program = f"import sys\nimport warroom.tui.app\n{then}\nprint(len({_LEFT_OUT} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_console_is_loaded_without_its_forms() -> None:
    assert _loaded("") == "0"


def test_all_of_it_is_loaded_after_the_first_frame() -> None:
    assert _loaded("from warroom.tui.screens.later import prefetch\nprefetch().join()") == "3"
