"""
`docs/settings.md`, made from `syncsvc/settings.py`.

The comment above a field is its reason and unit; type and default are the field's own.  Order and grouping are those of
the code, the prose stands in `settings.md` beside this file.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from syncsvc import settings

PROSE = Path(__file__).with_name("settings.md")
PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
SOURCE = Path(settings.__file__).read_text(encoding="utf-8")
MARK = "<!-- settings -->"

_TYPES = {"str": "text", "int": "whole number", "float": "number", "Path": "path", "bool": "`true` or `false`"}


def page() -> str:
    """The whole page."""
    rows = ["| variable | value | default | what it is |", "|---|---|---|---|"]
    for setting in fields(settings.Settings):
        name = settings.PREFIX + setting.name.upper()
        rows.append(
            f'| <a id="{name}"></a>`{name}` | {_value(setting)} | {_default(setting)} | {_reason(setting.name)} |'
        )
    return PROSE.read_text(encoding="utf-8").replace(MARK, "\n".join(rows))


def _value(setting: Field[Any]) -> str:
    choices = settings._CHOICES.get(setting.name)
    if choices:
        return " or ".join(f"`{choice}`" for choice in choices)
    return _TYPES.get(str(setting.type).partition(" |")[0], str(setting.type))


def _default(setting: Field[Any]) -> str:
    if setting.default_factory is not MISSING:
        return "a folder of the system's temporary one"
    if setting.default is None:
        return "not set"
    return f"`{setting.default:g}`" if isinstance(setting.default, float) else f"`{setting.default}`"


def _reason(name: str) -> str:
    """The `#:` comment above a field, or above the fields it stands behind, as one paragraph."""
    found = re.search(rf"((?:^    #: .*\n)+)(?:^    \w+: .*\n)*    {name}: ", SOURCE, re.MULTILINE)
    assert found is not None, f"the setting {name} has no comment that says what it is"
    text = " ".join(line.strip().removeprefix("#: ").strip() for line in found[1].splitlines())
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
