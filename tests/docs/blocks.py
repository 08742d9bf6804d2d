"""Blocks, links and headings of every page for people: README, docs, deploy; read as GitHub and MkDocs read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[^\n`]*)$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code, as it is written."""

    page: Path
    #: Of its first line, from 1.
    line: int
    #: The word behind the fence; `""` for none, `indented` for a block without a fence.
    language: str
    text: str

    @property
    def name(self) -> str:
        """`docs/mapping.md:12 yaml`."""
        return f"{self.page.relative_to(ROOT)}:{self.line} {self.language}".strip()


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order; a fence that is never closed is an error."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").split("\n")
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is not None:
            end = next(i for i in range(at + 1, len(lines)) if lines[i].strip() == fence["fence"])
            text = "".join(f"{line[len(fence['indent']) :]}\n" for line in lines[at + 1 : end])
            found.append(Block(page, at + 2, fence["language"].strip(), text))
            at = end
        elif lines[at].startswith("    ") and lines[at].strip() and at and not lines[at - 1].strip():
            after = (i for i in range(at, len(lines)) if lines[i].strip() and not lines[i].startswith("    "))
            end = next(after, len(lines))
            if not _in_list(lines, at):
                text = "".join(f"{line[4:]}\n" for line in lines[at:end]).strip("\n") + "\n"
                found.append(Block(page, at + 1, "indented", text))
            at = end - 1
        at += 1
    return found


def _in_list(lines: list[str], at: int) -> bool:
    """Whether an indented line goes on with the item of a list above it."""
    above = next((lines[i] for i in range(at - 1, -1, -1) if lines[i].strip() and not lines[i].startswith("  ")), "")
    return re.match(r"([-*+]|\d+\.) ", above) is not None


def prose(page: Path) -> str:
    """The page without its fenced blocks and without code in lines."""
    kept, fence = [], ""
    for line in page.read_text(encoding="utf-8").split("\n"):
        found = _FENCE.match(line)
        if found is not None and (not fence or line.strip() == fence):
            fence = "" if fence else found["fence"]
        elif not fence:
            kept.append(line)
    return re.sub(r"`[^`\n]*`", "``", "\n".join(kept))


def links(page: Path) -> Iterator[str]:
    """Targets of the links of a page, those with a scheme too."""
    yield from _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """What can stand behind `#` in a link to this page: headings as GitHub names them, and marks."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#{1,6} +(.+?) *$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.M)
    found: dict[str, int] = {}
    names = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in headings:
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        names.add(slug if slug not in found else f"{slug}-{found[slug]}")
        found[slug] = found.get(slug, 0) + 1
    return names
