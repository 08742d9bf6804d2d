"""
The mappings with cases that the tests run: those that are shipped, those of the cookbook and those of the semantics.
"""

from __future__ import annotations

from pathlib import Path

from syncsvc.mapping.cases import mapping_of

ROOT = Path(__file__).parents[2]
ON_SERVERS = (ROOT / "pipelines", Path(__file__).parent / "semantics")
#: Seconds in memory; the shapes of the cookbook are on the servers by the semantics.
IN_MEMORY = (*ON_SERVERS, ROOT / "docs" / "cookbook")


def mappings(folders: tuple[Path, ...] = ON_SERVERS) -> list[Path]:
    """Mapping files with a file of cases beside them."""
    found = [mapping_of(path) for folder in folders for path in sorted(folder.glob("*.cases.yaml"))]
    return [path for path in found if path is not None]


def name(path: Path) -> str:
    """How a test calls a mapping."""
    return path.stem
