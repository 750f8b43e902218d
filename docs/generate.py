"""Write the pages and tables that follow from the code; `python docs/generate.py` rewrites all of them.

    python docs/generate.py            events.md, terms.md, dashboards.md, and the tables in protocol.md
    python docs/generate.py hostile    hostile-input.md: attacks every door of a real server, takes a minute

Invariant: a page written here says nothing that the code does not; tests/docs compares the two.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs import catalogue, glossary, grafana, wire_tables  # noqa: E402 - after the path is set

_BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)

PAGES: dict[str, Callable[[], str]] = {
    "events.md": catalogue.page,
    "terms.md": glossary.page,
    "dashboards.md": grafana.page,
}
"""Pages that are written as a whole."""
BLOCKS: dict[str, Callable[[], str]] = wire_tables.BLOCKS
"""Tables within pages that people write, between `<!-- generated: NAME -->` and `<!-- end -->`."""


def written() -> dict[Path, str]:
    """Every page as it has to be."""
    pages = {HERE / name: make() for name, make in PAGES.items()}
    for path in sorted(HERE.glob("*.md")):
        text = path.read_text("utf-8")
        if path not in pages and _BLOCK.search(text):
            pages[path] = _BLOCK.sub(_filled, text)
    return pages


def _filled(found: re.Match[str]) -> str:
    return f"{found.group(1)}{BLOCKS[found['name']]()}\n{found.group(4)}"


def main() -> None:
    """Rewrite what is asked for."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("page", nargs="?", choices=("hostile",), help="the page that is made only when asked for")
    if parser.parse_args().page == "hostile":
        from docs import hostile

        path = HERE / "hostile-input.md"
        path.write_text(hostile.page(), "utf-8")
        print(path)
        return
    for path, text in written().items():
        path.write_text(text, "utf-8")
        print(path)


if __name__ == "__main__":
    main()
