"""
A YAML text as a small tree in which every key and every value knows its line and column.

First step of `load`, and the only module that knows the YAML library.  Nothing is constructed from the text: tags,
merge keys and dates are not interpreted, so a mapping means the same to every reader.  Doubled keys are reported, not
merged.  Refuses what no mapping needs: several documents in a file, anchors that contain themselves, huge trees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from syncsvc.mapping.findings import Findings, Place, quoted

#: Levels below the top; the deepest sensible mapping uses about 20 (`embed` in `embed` in …).
MOST_LEVELS = 60
#: Nodes after anchors were followed; a mapping of 100 tables with 100 columns each has about 20,000.
MOST_NODES = 100_000

_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_HALF = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_KINDS: dict[str, Literal["text", "number", "flag", "nothing"]] = {
    _TAG + "str": "text",
    _TAG + "timestamp": "text",
    _TAG + "merge": "text",
    _TAG + "value": "text",
    _TAG + "int": "number",
    _TAG + "float": "number",
    _TAG + "bool": "flag",
    _TAG + "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts."""

    place: Place
    #: As written, without quotes.
    text: str
    #: What YAML 1.2 takes it for; `whole` is a decimal number without a point, of at most 18 digits.
    kind: Literal["text", "whole", "number", "flag", "nothing"]
    #: As it stands in the file, with quotes and all; to find the place of a single character (see `letters`).
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping: `key: value` pairs in the order of the file, keys unique."""

    place: Place
    entries: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Items | Entries


class _TooLarge(Exception):
    """The tree has more levels or nodes than any mapping; carries the place where that was seen."""

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.place = place
        self.what = what


def parse(text: str, findings: Findings) -> Node | None:
    """The tree of `text`, or None when it has none; whatever is wrong goes to `findings`, never an exception."""
    try:
        top = YAML(typ="safe", pure=True).compose(text)
        if top is None:
            fix = "declare a pipeline: start with  pipeline: <name>"
            findings.add(Place(1, 1), "mapping.empty", "the file has no content", fix)
            return None
        return _Converter(text, findings).node(top, 0)
    except _TooLarge as error:
        findings.add(error.place, "mapping.too_large", error.what, "write the mapping flatter, without nested anchors")
    except RecursionError:
        findings.add(Place(1, 1), "mapping.too_large", "the file is nested too deeply", "write the mapping flatter")
    except YAMLError as error:
        cause = _cause(error)
        hint = "; inside {…}, put a value with commas or quotes in quotes" if "',' or '}'" in cause else ""
        fix = f"correct the YAML at this place{hint}"
        findings.add(_place_of(error, text), "mapping.syntax", f"not YAML: {cause}", fix)
    except (ValueError, OverflowError) as error:
        # The library lets some broken escapes ("\UFFFFFFFF") escape as bare errors without a place.
        findings.add(Place(1, 1), "mapping.syntax", f"not YAML: {error}", "remove broken escapes from quoted texts")
    return None


def _place_of(error: YAMLError, text: str) -> Place:
    if isinstance(error, ReaderError):  # of a character that no YAML holds: it knows how many are before it
        before = text[: error.position]
        return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
    mark = (error.problem_mark or error.context_mark) if isinstance(error, MarkedYAMLError) else None
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)


def _cause(error: YAMLError) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem:
        return str(error.problem)
    return str(error).splitlines()[0] if str(error) else type(error).__name__


class _Converter:
    """Turns the library's nodes into ours, once, counting them."""

    def __init__(self, text: str, findings: Findings) -> None:
        self._text = text
        self._findings = findings
        self._nodes = 0

    def node(self, node: ScalarNode | SequenceNode | MappingNode, level: int) -> Node:
        """Ours for `node`; an unknown tag is reported and the value kept as text."""
        place = Place(node.start_mark.line + 1, node.start_mark.column + 1)
        self._nodes += 1
        if level > MOST_LEVELS or self._nodes > MOST_NODES:
            limit = f"{MOST_LEVELS} levels" if level > MOST_LEVELS else f"{MOST_NODES} values"
            raise _TooLarge(place, f"the file has more than {limit} after its anchors are followed")
        if isinstance(node, SequenceNode):
            return Items(place, tuple(self.node(item, level + 1) for item in node.value))
        if isinstance(node, MappingNode):
            return self._entries(node, place, level)
        return self._scalar(node, place)

    def _scalar(self, node: ScalarNode, place: Place) -> Scalar:
        kind = _KINDS.get(str(node.tag))
        if kind is None:
            self._findings.add(place, "mapping.bad_value", f"the tag {node.tag} has no meaning here", "remove the tag")
            kind = "text"
        value = node.value
        if not value.isascii() and _HALF.search(value):
            what = "the text has half a character: an escape from \\ud800 to \\udfff"
            self._findings.add(place, "mapping.bad_value", what, "write the character itself, or its  \\U  escape")
            value = _HALF.sub("?", value)  # or the checks that follow could not hash it, and no message show it
        raw = self._text[node.start_mark.index : node.end_mark.index]
        if kind == "number" and _WHOLE.fullmatch(value):
            return Scalar(place, value, "whole", raw)
        return Scalar(place, value, kind, raw)

    def _entries(self, node: MappingNode, place: Place, level: int) -> Entries:
        first: dict[str, Place] = {}
        entries: list[tuple[Scalar, Node]] = []
        for key_node, value_node in node.value:
            key = self.node(key_node, level + 1)
            value = self.node(value_node, level + 1)
            if isinstance(value, Scalar) and not value.text and isinstance(key, Scalar):
                # The library puts a value that is not there at the next token, lines below.
                value = Scalar(key.place if value.kind == "nothing" else value.place, "", value.kind)
            if not isinstance(key, Scalar) or not key.text:
                self._findings.add(key.place, "mapping.bad_value", "a key must be a name", "write  name: value")
            elif key.text in first:
                what = f'the key {quoted(key.text)} is already given on line {first[key.text].line}'
                self._findings.add(key.place, "mapping.duplicate_key", what, "keep one of the two")
            else:
                first[key.text] = key.place
                entries.append((key, value))
        return Entries(place, tuple(entries))
