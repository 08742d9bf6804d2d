"""
A proposal as the text of a mapping file, with comments that say why.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from syncsvc.source.proposal.design import Proposal, Relation, Shown

WIDTH = 116
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
#: What some reader of YAML takes for something else than text.
_TAKEN = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_PLAIN_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\([0-9, ]+\))?(?: [a-z0-9_]+)*")


def written(proposal: Proposal, name: str) -> str:
    """
    The file.

    Args:
        proposal: what it says.
        name: of the file, for the commands in its comments.
    """
    database = proposal.root.partition(".")[0]
    lines = [
        f"# Proposed by `syncsvc init` from the foreign keys of {database}.  Strike what readers do not need, then:",
        f"#   syncsvc validate --live {name}",
        *_cautions(proposal),
        f"pipeline: {_text(proposal.pipeline)}",
        "generation: 1  # raise it to rebuild beside the old documents",
        f"collection: {_text(proposal.pipeline)}",
        f"source: {{topic_prefix: {_text(proposal.topic_prefix)}}}  # topics are named <prefix>.<database>.<table>",
        "",
        "root:",
        f"  table: {_text(proposal.root)}",
        f"  key: {_names(proposal.key)}  # the documents' _id",
    ]
    if proposal.fields:
        lines += _fields(proposal.fields, "  ")
    if proposal.embed:
        lines += ["embed:", *_relations(proposal.embed, "  ")]
    lines += ["", "# What the tables must look like; `syncsvc validate --live` compares it with the server.", "tables:"]
    return "\n".join([*lines, *_tables(proposal)]) + "\n"


def _cautions(proposal: Proposal) -> Iterator[str]:
    if proposal.cautions:
        yield "#"
        yield "# Look at:"
    for caution in proposal.cautions:
        yield from _comment(f"- {caution.where}: {caution.what}", "", "  ")


def _comment(text: str, indent: str, hang: str = "") -> Iterator[str]:
    """A comment, wrapped; a line break in a name cannot end it."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    for number, line in enumerate(textwrap.wrap(plain, WIDTH - len(indent) - len(hang), break_long_words=False)):
        yield f"{indent}# {hang if number else ''}{line}"


def _relations(relations: Sequence[Relation], indent: str) -> Iterator[str]:
    for relation in relations:
        for reason in relation.why:
            yield from _comment(reason, indent)
        yield f"{indent}{_text(relation.name)}:"
        yield from _relation(relation, indent + "  ")


def _relation(relation: Relation, indent: str) -> Iterator[str]:
    yield f"{indent}{relation.kind}: {_text(relation.table)}"
    yield f"{indent}on: {_names(relation.on)}"
    if relation.to:
        yield f"{indent}to: {_names(relation.to)}"
    if relation.merge:
        yield f"{indent}merge: true"
    if relation.required:
        yield f"{indent}required: true"
    if relation.depth is not None:
        yield f"{indent}depth: {relation.depth}"
    if relation.limit is not None:
        yield f"{indent}limit: {relation.limit}"
    if relation.on_parent_delete is not None:
        yield f"{indent}on_parent_delete: {relation.on_parent_delete}"
    if relation.fields:
        yield from _fields(relation.fields, indent)
    if relation.embed:
        yield f"{indent}embed:"
        yield from _relations(relation.embed, indent + "  ")


def _fields(fields: Iterable[Shown], indent: str) -> Iterator[str]:
    items = [
        _text(shown.column) if shown.name == shown.column else f"{{{_text(shown.column)}: {_text(shown.name)}}}"
        for shown in fields
    ]
    line = f"{indent}fields: ["
    for number, item in enumerate(items):
        end = "]" if number == len(items) - 1 else ","
        if len(line) + len(item) + 2 > WIDTH and not line.endswith("["):
            yield line
            line = f"{indent}  {item}{end}"
        else:
            line += f"{'' if line.endswith('[') else ' '}{item}{end}"
    yield line


def _tables(proposal: Proposal) -> Iterator[str]:
    for name, (key, columns) in proposal.tables.items():
        yield f"  {_text(name)}:"
        yield f"    key: {_names(key)}"
        yield "    columns:"
        for column in columns:
            if column.type is None:
                yield from _comment(f"{column.column} is left out: {column.note}", "      ")
                continue
            line = f"      {_text(column.column)}: {_type(column.type)}"
            if column.note and len(line) + len(column.note) + 5 > WIDTH:
                yield from _comment(column.note, "      ")
            yield f"{line}  # {column.note}" if column.note and len(line) + len(column.note) + 5 <= WIDTH else line


def _names(names: Sequence[str]) -> str:
    return _text(names[0]) if len(names) == 1 else f"[{', '.join(map(_text, names))}]"


def _text(text: str) -> str:
    """A text as a scalar that every reader of YAML takes for this text."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _TAKEN
    return text if plain else _quoted(text)


def _type(text: str) -> str:
    return text if _PLAIN_TYPE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """In quotes; what YAML folds as the end of a line, or refuses, as an escape."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)
