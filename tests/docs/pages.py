"""
Writes the pages of the documentation that are made from the code: `python -m tests.docs.pages [NAME…]`, `make pages`.

A page has a module `tests/…/NAME_page.py` with `PAGE`, where it stands, and `page()`, its whole text as it should be;
nothing has to be told of a new one.  `test_pages` holds that each is up to date.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

ROOT = Path(__file__).parents[2]
_END = "_page"


class Made(Protocol):
    """A module that makes a page."""

    #: The file.
    PAGE: Path

    def page(self) -> str:
        """The whole page as it should be."""


def made() -> dict[str, Made]:
    """`{name: module}` of every page that is made, by name."""
    files = [path for path in (ROOT / "tests").rglob(f"*{_END}.py") if not path.name.startswith("test_")]
    names = {path.stem.removesuffix(_END): ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files}
    assert len(names) == len(files), "two pages have one name"
    return {name: cast(Made, importlib.import_module(names[name])) for name in sorted(names)}


def main(names: Sequence[str]) -> int:
    """Writes those pages, or all; says which were changed by it. The exit code."""
    known = made()
    if unknown := sorted(set(names) - set(known)):
        print(f"no page is made as {', '.join(unknown)}: there are {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names or known:
        page = known[name]
        text = page.page()
        if page.PAGE.read_text(encoding="utf-8") != text:
            page.PAGE.write_text(text, encoding="utf-8")
            print(f"{page.PAGE.relative_to(ROOT)} is written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
