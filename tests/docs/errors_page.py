"""
`docs/errors.md`, made from the code.

Every place that makes a problem is found in the syntax tree, with its code, what it says and what it proposes; the
prose stands in `errors.md` beside this file.  A code that is only known at run time, or whose fix stands elsewhere, is
completed by `COMPLETED`.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs import wordings
from tests.docs.wordings import UNKNOWN, Module

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "syncsvc"
PROSE = Path(__file__).with_name("errors.md")
PAGE = ROOT / "docs" / "errors.md"

#: Where groups stand that the prose has no place for.
OTHERS = "<!-- others -->\n"

CODE = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*")
#: Exit code of the command by the type that is raised; findings of files and of servers are told all at once.
EXITS = {"CheckFailed": 1, "UsageFault": 2, "Drift": 3, "Unreachable": 4}
#: Calls that make a problem, and which argument is what.
SHAPES: dict[str, tuple[str, ...]] = {
    "Problem": ("code", "where", "what", "fix"),
    "add": ("place", "code", "what", "fix"),
    "DecodeError": ("code", "what"),
    "ComputeError": ("code", "what"),
    "Caution": ("code", "where", "what"),
    "_caution": ("code", "where", "what"),
    # The last three are checks of `syncsvc doctor`.
    **dict.fromkeys(("__init__", *EXITS, "ok", "warn", "fail"), ("code", "where", "what", "fix")),
}
#: Codes of what is parked: nothing ends, the record or document waits for a person.
PARKING = ("DecodeError", "ComputeError")
_RETRY = "correct the row or the mapping, then `syncsvc parked retry`; or `syncsvc parked skip`"
_ANEW = "raise `generation` to build anew beside it, or bring back what was"
_LOOK = "look at it: the file says what was proposed, and why"
_READ_AGAIN = (
    "let the connector [read the table again](operations/first-copy.md#read-a-table-again), in a blocking snapshot; "
    "then `syncsvc parked skip`"
)
_KEY = "give the table a primary key of exact types, or do without it"
_RENAME = "rename the table, or do without it"
_STRIKE = "strike it where readers do not need it"
_INSTALL = "install it as the message says, or name its folder"
#: Texts that look like codes and are names of settings or files.
NOT_CODES = {"connector.class", "key.converter", "topic.prefix", "connect.properties", "connector.xml", "kafka.xml"}
#: What cannot be read from the tree: `{code: (exit or how it is told, what, fix)}`.
COMPLETED: dict[str, tuple[str, str, str]] = {
    "ddl.bad_event": ("parked", "the value is not a schema change of the connector", _READ_AGAIN),
    "ddl.bad_json": ("parked", "the value is not JSON in UTF-8", _READ_AGAIN),
    "ddl.rows_unlogged": (
        "parked",
        "ALTER TABLE … DROP, TRUNCATE or EXCHANGE PARTITION: rows of it may have gone or come with a partition, "
        "without records of their own; documents show those of before",
        _READ_AGAIN,
    ),
    "document.refused": ("parked", "MongoDB refuses the document", _RETRY),
    "document.too_large": ("parked", "the document has more bytes than MongoDB takes", _RETRY),
    "change.too_large": (
        "parked",
        "the row has more bytes than a record of the keyed topic takes",
        "shorten it in the source, where a later image of it replaces this one, or leave its large columns out of the "
        "mapping, in a new generation; or `syncsvc parked skip`",
    ),
    "row.unreadable": ("parked", "a record of a row of this document could not be decoded", _RETRY),
    "change.refused_type": ("2", "the column's type is not carried", "leave it out, or declare another form of it"),
    "change.undeclared_column": ("2", "a column is used that is not declared", "declare it under `tables`"),
    "computed.overflow": ("parked", "a result is a number that its kind cannot hold", _RETRY),
    "init.no_key": ("warning", "the table has no primary key, so its rows cannot be told apart: it is left out", _KEY),
    "init.name": ("warning", "a topic's name cannot have the characters of the table's: it is left out", _RENAME),
    "init.key_type": ("warning", "the key has a column that is not carried or has no one form: it is left out", _KEY),
    "init.wide": ("warning", "texts or bytes of that size: the column is shown at the root only", _STRIKE),
    "mongo.bad_uri": ("2", "the connection string is not one", "write  mongodb://[user:password@]host[:port]/"),
    "devstack.server_missing": ("4", "a server can neither be found on this machine nor fetched", _INSTALL),
    "usage.wrong": ("2", "an unknown option, a missing argument", "`syncsvc COMMAND --help`"),
    "generation.mapping_changed": ("3", "the mapping is not the one the generation was made with", _ANEW),
    "generation.code_changed": ("3", "this edition of the code continues the state differently", _ANEW),
    "generation.topics_changed": ("3", "a topic was not there, or is no longer", _ANEW),
    "generation.topic_recreated": ("3", "a topic was deleted and made again: its offsets mean other records", _ANEW),
    "generation.partitions_changed": ("3", "a topic has another number of partitions", _ANEW),
}


@dataclass
class Entry:
    """One code, with everything that the code says about it."""

    code: str
    tells: set[str] = field(default_factory=set)
    whats: dict[str, None] = field(default_factory=dict)
    fixes: dict[str, None] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """What stands before the dot."""
        return self.code.partition(".")[0]


@functools.cache
def entries() -> dict[str, Entry]:
    """`{code: entry}` of everything that the package can say."""
    found: dict[str, Entry] = {}
    for module in wordings.read(PACKAGE):
        for call, name in _calls(module):
            _collect(found, module, call, name)
        _collect_pairs(found, module)
    for module in wordings.read(PACKAGE):
        _collect_fixes(found, module)
    for code in literals({entry.family for entry in found.values()}):
        found.setdefault(code, Entry(code))  # made in a way that is not understood: named, at least
    for code, (tells, what, fix) in COMPLETED.items():
        entry = found.setdefault(code, Entry(code))
        entry.tells = {tells}
        entry.whats, entry.fixes = {what: None}, {fix: None}
    return found


def literals(families: set[str]) -> set[str]:
    """Every text in the package that looks like a code of a known family: none may be missing on the page."""
    found = set()
    for module in wordings.read(PACKAGE):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                family, _, rest = node.value.partition(".")
                if family in families and "." not in rest and node.value not in NOT_CODES:
                    found.add(node.value)
    return found


def _calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SHAPES:
                yield node, name


def _collect(found: dict[str, Entry], module: Module, call: ast.Call, name: str) -> None:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    given.update(zip(SHAPES[name], call.args, strict=False))
    if _passes_on(module, call, given.get("code")):
        return
    codes = [code for code in module.wordings(given.get("code")) if CODE.fullmatch(code)]
    for code in codes:
        entry = found.setdefault(code, Entry(code))
        entry.tells.add(_tells(module, call, name))
        if name == "ok":
            continue  # a check that passed has nothing to say here
        entry.whats.update(dict.fromkeys(module.wordings(given.get("what"))))
        fixes = [_RETRY] if name in PARKING else module.wordings(given.get("fix"))
        entry.fixes.update(dict.fromkeys(fixes))


def _collect_pairs(found: dict[str, Entry], module: Module) -> None:
    """`("code", "what it says")`, where the error is made of it elsewhere."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            codes, whats = module.wordings(node.elts[0]), module.wordings(node.elts[1])
            if isinstance(node.elts[0], ast.Constant) and CODE.fullmatch(codes[0]) and any(" " in one for one in whats):
                found.setdefault(codes[0], Entry(codes[0])).whats.update(dict.fromkeys(whats))


def _collect_fixes(found: dict[str, Entry], module: Module) -> None:
    """`{"code": "what to do"}`, of codes that were found."""
    for node in ast.walk(module.tree):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant) and key.value in found and isinstance(value, ast.Constant):
                found[key.value].fixes[str(value.value)] = None


def _passes_on(module: Module, call: ast.Call, code: ast.expr | None) -> bool:
    """Whether the call hands on a parameter of a function whose own callers are looked at."""
    function = module.function_of(call)
    return (
        isinstance(code, ast.Name)
        and function is not None
        and function.name in SHAPES
        and code.id in [one.arg for one in function.args.args]
    )


def _tells(module: Module, call: ast.Call, name: str) -> str:
    if name in EXITS:
        return str(EXITS[name])
    if name in PARKING:
        return "parked"
    if name in ("ok", "warn", "fail"):
        return f"doctor: {name}"
    if name in ("Caution", "_caution"):
        return "warning"
    if name == "__init__":
        above = module.parents[call]
        while not isinstance(above, ast.ClassDef):
            above = module.parents[above]
        base = above.bases[0]
        return str(EXITS.get(base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", ""), ""))
    return ""


def page() -> str:
    """The whole page."""
    found = entries()
    prose = PROSE.read_text(encoding="utf-8")
    placed = re.findall(r"^<!-- (\w+) -->$", prose, re.MULTILINE)
    others = sorted({entry.family for entry in found.values()} - set(placed))
    prose = prose.replace(OTHERS, "\n".join(f"<!-- {family} -->\n" for family in others) or "None.\n")
    for family in (*placed, *others):
        rows = [_row(entry) for code, entry in sorted(found.items()) if entry.family == family]
        head = ["| code | exit | what it says | what to do |", "|---|---|---|---|"]
        prose = prose.replace(f"<!-- {family} -->\n", "".join(f"{line}\n" for line in head + rows) if rows else "")
    return prose


def _row(entry: Entry) -> str:
    tells = ", ".join(sorted(entry.tells - {""})) or _usual(entry.code)
    fixes = entry.fixes or ({_LOOK: None} if tells == "warning" else {})
    return f'| <a id="{entry.code}"></a>`{entry.code}` | {tells} | {_listed(entry.whats)} | {_listed(fixes)} |'


def _usual(code: str) -> str:
    """Exit code of problems that are collected, and raised together."""
    alone = {"source.binlog": "1", "mongo.other_pipeline": "3"}
    families = {**dict.fromkeys(("topic", "generation", "rebuild", "publish"), "3"), "connector": "1", "tls": "4"}
    return alone.get(code) or families.get(code.partition(".")[0], "2")


def _listed(texts: dict[str, None]) -> str:
    kept = [text for text in texts if text.strip(f"{UNKNOWN} ")] or ["told where it happens"]
    return "<br>".join(_cell(text) for text in kept)


def _cell(text: str) -> str:
    text = re.sub(r"\s+", " ", text.strip()).replace("|", "\\|")
    return re.sub(r"<(?=[a-zA-Z/])", "&lt;", text).replace("*", "\\*").replace("_", "\\_")
