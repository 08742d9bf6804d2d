"""
A file of cases beside a mapping (`meetings.cases.yaml`): given these changes, expect these documents.

Reads the form and checks it against the mapping's tables, as `load` does for the mapping itself: every problem in one
run, each with `file:line:column` and a fix.  How a printed value travels is not known here, the caller brings it
(`Encode`); what the documents are is found by `syncsvc.cases`, or by real servers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import cast

from syncsvc.errors import UsageFault
from syncsvc.mapping import column_types, document, values
from syncsvc.mapping.case import Case, Kind, Round, Row, Step, Value
from syncsvc.mapping.document import Entries, Items, Node, Scalar
from syncsvc.mapping.findings import Findings, Places, nearest, suggestion
from syncsvc.mapping.model import ColumnType, Pipeline, Table

#: What a column of this type sends for what is written; raises ValueError with a reason.  Never called for null.
Encode = Callable[[ColumnType, Node], object]

#: `{what happens: (keys it needs, keys it may have)}`.
KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "insert": (("row",), ()),
    "update": (("key", "set"), ()),
    "delete": (("key",), ()),
    "snapshot": ((), ("rows",)),
    "truncate": ((), ()),
    "tombstone": (("key",), ()),
}
ENDING = ".cases"


def beside(mapping: str | Path) -> Path:
    """The file of cases that belongs to a mapping file."""
    path = Path(mapping)
    return path.with_name(f"{path.stem}{ENDING}{path.suffix}")


def mapping_of(cases: str | Path) -> Path | None:
    """The mapping file that a file of cases belongs to; None when this is no file of cases."""
    path = Path(cases)
    stem = path.stem.removesuffix(ENDING)
    return None if stem == path.stem else path.with_name(f"{stem}{path.suffix}")


def load(path: str | Path, pipeline: Pipeline, encode: Encode) -> tuple[Case, ...]:
    """
    The cases of a file that belongs to a pipeline.

    Raises:
        UsageFault: with every problem of the file, or `cases.unreadable`.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or "it is not UTF-8 text"
        fix = "write the cases there, or correct the path"
        raise UsageFault(code="cases.unreadable", where=str(path), what=f"cannot be read: {why}", fix=fix) from None
    return load_text(text, str(path), pipeline, encode)


def load_text(text: str, path: str, pipeline: Pipeline, encode: Encode) -> tuple[Case, ...]:
    """Like `load`, from the text itself."""
    findings = Findings(Places(path))
    top = document.parse(text.removeprefix("\ufeff"), findings)
    cases = () if top is None else tuple(_Reader(findings, pipeline, encode).cases(top))
    if problems := findings.problems():
        raise UsageFault.of(problems)
    return cases


class _Reader:
    """Reads on behind a problem; what is wrong is left out, because nothing is used when there was any."""

    def __init__(self, findings: Findings, pipeline: Pipeline, encode: Encode) -> None:
        self._findings, self._tables, self._encode = findings, pipeline.tables, encode
        self._collections = [kind.collection for kind in pipeline.each()]

    def cases(self, top: Node) -> Iterator[Case]:
        """The cases under the one key of the file."""
        names: set[str] = set()
        for node in self._items(self._keys(top, "the file", ("cases",)).get("cases"), "cases"):
            found = self._keys(node, "a case", ("name", "given", "expect"), ("then", "in_any_order"))
            name = self._text(found.get("name"))
            if name in names:
                what = f'another case is called "{name}"'
                self._findings.add(found["name"].place, "cases.duplicate_name", what, "give each its own name")
            names.add(name)
            rounds = [self._round(found, node)]
            for later in self._items(found.get("then"), "then"):
                rounds.append(self._round(self._keys(later, "then", ("given", "expect")), later))
            any_order = self._flag(found.get("in_any_order"))
            yield Case(name, tuple(rounds), any_order, self._findings.places.where(node.place))

    def _round(self, found: Mapping[str, Node], node: Node) -> Round:
        given = [step for item in self._items(found.get("given"), "given") if (step := self._step(item))]
        expect = found.get("expect")
        where = self._findings.places.where(node.place if expect is None else expect.place)
        if not isinstance(expect, Entries):
            return Round(tuple(given), {self._collections[0]: tuple(self._documents(expect))}, where)
        for name, _ in expect.entries:
            if name.text not in self._collections:
                fix = suggestion(name.text, self._collections, "")
                what = f'the pipeline has no collection "{name.text}"'
                self._findings.add(name.place, "cases.unknown_collection", what, fix)
        documents = {name.text: tuple(self._documents(items)) for name, items in expect.entries}
        return Round(tuple(given), documents, where)

    def _documents(self, node: Node | None) -> Iterator[Entries]:
        for item in self._items(node, "expect"):
            if isinstance(item, Entries) and any(key.text == "_id" for key, _ in item.entries):
                yield item
            else:
                fix = "write the whole document:  {_id: …, field: …}"
                self._findings.add(item.place, "cases.bad_value", 'what is expected is no document with "_id"', fix)

    def _step(self, node: Node) -> Step | None:
        names = {key.text for key, _ in node.entries} if isinstance(node, Entries) else set()
        chosen = [kind for kind in KINDS if kind in names]
        if len(chosen) != 1:
            self._no_kind(node, names, chosen)
            return None
        kind = cast(Kind, chosen[0])
        needed, allowed = KINDS[kind]
        found = self._keys(node, kind, (kind, *needed), allowed)
        table = self._table(found[kind])
        if table is None:
            return None
        row = self._row(found["row"], table, whole=True) if "row" in found else {}
        if "set" in found:
            row = self._row(found["set"], table, whole=False)
        key = self._row(found["key"], table, whole=False, key=True) if "key" in found else {}
        rows = None
        if "rows" in found:
            rows = tuple(self._row(item, table, whole=True) for item in self._items(found["rows"], "rows"))
        return Step(kind, table.name, self._findings.places.where(node.place), key, row, rows)

    def _no_kind(self, node: Node, names: Collection[str], chosen: Collection[str]) -> None:
        if chosen:
            what, fix = f"one change cannot be {' and '.join(chosen)}", "write them as changes of their own"
        elif names:
            what = f"it does not say what happens: {', '.join(sorted(names))}"
            fix = suggestion(sorted(names)[0], KINDS, "")
        else:
            what, fix = f"a change cannot be {values.seen(node)}", "write  insert: database.table  and  row: {…}"
        self._findings.add(node.place, "cases.unknown_change", what, fix)

    def _table(self, node: Node) -> Table | None:
        name = self._text(node)
        if name and name not in self._tables:
            what = f'the mapping has no table "{name}"'
            fix = suggestion(name, self._tables, "declare it in the mapping")
            self._findings.add(node.place, "cases.unknown_table", what, fix)
        return self._tables.get(name)

    def _row(self, node: Node, table: Table, *, whole: bool, key: bool = False) -> Row:
        """Values by column; `whole`: what is not written is null; `key`: the key's columns, all of them."""
        if not isinstance(node, Entries):
            what = f"columns of {table.name} are wanted, not {values.seen(node)}"
            self._findings.add(node.place, "cases.bad_value", what, "write  {column: value, …}")
            return {}
        known = table.key if key else table.columns
        row: dict[str, Value] = {}
        misspelt: set[str | None] = set()  # is not told to be missing, too
        for name, value in node.entries:
            if name.text in known:
                row[name.text] = self._value(name, value, table.columns[name.text])
            else:
                misspelt.add(nearest(name.text, known))
                what = f'{"the key of " if key else ""}{table.name} has no column "{name.text}"'
                self._findings.add(name.place, "cases.unknown_column", what, suggestion(name.text, known, ""))
        for column in known if whole or key else ():
            if column not in row and column not in misspelt:
                if key or column in table.key or not column_types.nullable(table.columns[column]):
                    what = f'"{column}" of {table.name} has no value and cannot be null'
                    self._findings.add(node.place, "cases.missing_value", what, f"add  {column}: …")
                row[column] = Value(Scalar(node.place, "", "nothing"), None)
        return row

    def _value(self, name: Scalar, node: Node, column_type: ColumnType) -> Value:
        what = f'the value of "{name.text}", {column_type}, '
        if isinstance(node, Scalar) and node.kind == "nothing":
            if not column_types.nullable(column_type):
                fix = "write a value, or declare the column  null"
                self._findings.add(node.place, "cases.missing_value", f"{what}cannot be null", fix)
            return Value(node, None)
        try:
            return Value(node, self._encode(column_type, node))
        except ValueError as error:
            fix = "write it as the database prints it"
            self._findings.add(node.place, "cases.bad_value", f"{what}{error}", fix)
            return Value(node, None)

    def _keys(self, node: Node, named: str, needed: tuple[str, ...], allowed: tuple[str, ...] = ()) -> dict[str, Node]:
        """Nodes by key; unknown and missing ones are reported."""
        if not isinstance(node, Entries):
            fix = f"keys: {', '.join((*needed, *allowed))}"
            self._findings.add(node.place, "cases.bad_value", f"{named} must have keys, not {values.seen(node)}", fix)
            return {}
        found: dict[str, Node] = {}
        misspelt: set[str | None] = set()
        for key, value in node.entries:
            if key.text in needed or key.text in allowed:
                found[key.text] = value
            else:
                misspelt.add(nearest(key.text, (*needed, *allowed)))
                fix = suggestion(key.text, (*needed, *allowed), "remove it")
                self._findings.add(key.place, "cases.unknown_key", f'{named} has no key "{key.text}"', fix)
        for name in needed:
            if name not in found and name not in misspelt:
                self._findings.add(node.place, "cases.missing_key", f'{named} has no "{name}"', f"add  {name}: …")
        return found

    def _items(self, node: Node | None, named: str) -> tuple[Node, ...]:
        if isinstance(node, Items):
            return node.items
        if node is not None:
            self._findings.add(node.place, "cases.bad_value", f"{named} must be a list", "write  - …  for each")
        return ()

    def _text(self, node: Node | None) -> str:
        if isinstance(node, Scalar) and node.text:
            return node.text
        if node is not None:
            self._findings.add(node.place, "cases.bad_value", f"a text is wanted, not {values.seen(node)}", "name it")
        return ""

    def _flag(self, node: Node | None) -> bool:
        if node is None or (isinstance(node, Scalar) and node.kind == "flag"):
            return isinstance(node, Scalar) and node.text.lower() == "true"
        what = f"in_any_order must be true or false, not {values.seen(node)}"
        self._findings.add(node.place, "cases.bad_value", what, "write  true  or  false")
        return False
