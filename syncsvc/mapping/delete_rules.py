"""
What the source's foreign keys do when a row is deleted, against what the mapping says with `on_parent_delete`.

Used by `syncsvc validate --live` beside `live`.  A server that carries out ON DELETE inside its storage engine
(MariaDB, MySQL before 9.6) does not log it, so nothing on the way of a change could know; only the declaration can say
it.  A relation follows the foreign key that leads from its `on` to its `to`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from syncsvc.errors import Problem
from syncsvc.mapping.findings import Findings, Path, Places
from syncsvc.mapping.live import Connection, Cursor, rows_of
from syncsvc.mapping.model import Embed, Pipeline

#: From this version on MySQL carries them out in SQL and logs every row.
_FIRST_MYSQL_THAT_LOGS = (9, 6)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key of the server."""

    name: str
    #: `db.table` that refers, and the one it refers to.
    table: str
    parent: str
    #: `(column, column of the parent)`.
    pairs: frozenset[tuple[str, str]]
    #: As information_schema prints it: CASCADE, SET NULL, NO ACTION, RESTRICT, SET DEFAULT.
    on_delete: str


@dataclass(frozen=True, slots=True)
class DeleteRules:
    """Everything that a deletion in the source takes along."""

    keys: tuple[ForeignKey, ...]
    #: Whether what they do is in the binlog.
    logged: bool
    #: The server's version as it prints it.
    server: str


_FOREIGN_KEYS = """
    SELECT CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND REFERENCED_TABLE_NAME IS NOT NULL
    ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION"""
# MariaDB shows REFERENTIAL_CONSTRAINTS only to those who may do more than read; SHOW CREATE TABLE it shows to readers.
_RULE = re.compile(
    r"CONSTRAINT `((?:[^`]|``)+)` FOREIGN KEY .*?\)"
    r"(?: ON DELETE (CASCADE|SET NULL|SET DEFAULT|NO ACTION|RESTRICT))?"
    r"(?: ON UPDATE (?:CASCADE|SET NULL|SET DEFAULT|NO ACTION|RESTRICT))?,?$",
    re.MULTILINE,
)


def introspect(connection: Connection, names: Collection[str]) -> DeleteRules:
    """The foreign keys of the tables `names` (`db.table`), over a DB-API connection that somebody else opened."""
    cursor: Cursor = connection.cursor()
    keys: list[ForeignKey] = []
    for name in names:
        found: dict[str, ForeignKey] = {}
        rows = rows_of(cursor, _FOREIGN_KEYS, name.split(".", 1))
        done = _rules(cursor, name) if rows else {}
        for constraint, column, database, table, referred in rows:
            rule = done.get(constraint, "RESTRICT")
            before = found[constraint].pairs if constraint in found else frozenset()
            pairs = before | {(column, referred)}
            found[constraint] = ForeignKey(constraint, name, f"{database}.{table}", pairs, rule)
        keys += found.values()
    ((server,),) = rows_of(cursor, "SELECT VERSION()", ())
    return DeleteRules(tuple(keys), _logs(server), server)


def _rules(cursor: Cursor, name: str) -> dict[str, str]:
    """`{constraint: what ON DELETE says}` of a table."""
    quoted = ".".join("`" + part.replace("`", "``").replace("%", "%%") + "`" for part in name.split(".", 1))
    ((_, text),) = rows_of(cursor, f"SHOW CREATE TABLE {quoted}", ())
    return {constraint.replace("``", "`"): rule or "RESTRICT" for constraint, rule in _RULE.findall(text)}


def _logs(version: str) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    is_late = numbers is not None and (int(numbers[1]), int(numbers[2])) >= _FIRST_MYSQL_THAT_LOGS
    return is_late and "mariadb" not in version.lower()


def differences(pipeline: Pipeline, rules: DeleteRules, places: Places | None = None) -> list[Problem]:
    """
    Relations whose rows the source deletes or changes without a word; empty when the mapping says it.

    Args:
        pipeline: as loaded.
        rules: by `introspect`, of all its tables.
        places: of the file, so that problems point at lines; else they name the relation.
    """
    findings = Findings(places or Places("embed"))
    for embed, parent, path in _all_relations(pipeline, findings.places):
        on_table, to_table = (embed.table, parent) if embed.kind == "many" else (parent, embed.table)
        keys = [key for key in rules.keys if (key.table, key.parent, key.pairs) == (on_table, to_table, _pairs(embed))]
        if pipeline.tables[on_table].topic_prefix in ("", pipeline.topic_prefix):
            _compare(embed, on_table, to_table, keys, rules, (*path, "on_parent_delete"), findings)
    return [problem if places else _unplaced(problem) for problem in findings.problems()]


def unseen(pipeline: Pipeline, rules: DeleteRules) -> dict[ForeignKey, list[str]]:
    """
    Foreign keys along which rows of the documents go without a word, and no relation of theirs follows.

    `{foreign key: where its table stands, as a.b below the collection}`: a table may be followed in one place only.
    """
    found: dict[ForeignKey, list[str]] = {}
    silent = [] if rules.logged else [key for key in rules.keys if key.on_delete == "CASCADE"]
    for one in pipeline.each():
        for table, path, followed in _places(one.root.table, one.collection, one.embed, None):
            for key in silent:
                if key.table == table and (key.parent, key.pairs) not in followed:
                    found.setdefault(key, []).append(path)
    return found


def _places(
    table: str, path: str, embeds: tuple[Embed, ...], above: tuple[Embed, str] | None
) -> Iterator[tuple[str, str, set[tuple[str, frozenset[tuple[str, str]]]]]]:
    """Each table of a document, its place, and what its rows are seen to refer to there: `(parent, pairs)`."""
    below = [(embed, embed.table) for embed in embeds if embed.kind != "many"]
    seen = [*below, above] if above else below
    yield table, path, {(parent, _pairs(embed)) for embed, parent in seen}
    for embed in embeds:
        up = (embed, table) if embed.kind == "many" else None
        yield from _places(embed.table, f"{path}.{embed.name}", embed.embed, up)


def _pairs(embed: Embed) -> frozenset[tuple[str, str]]:
    """The columns of a relation, as `ForeignKey.pairs`."""
    return frozenset(zip(embed.on, embed.to, strict=True))


def _unplaced(problem: Problem) -> Problem:
    return Problem(problem.code, "embed", problem.what, problem.fix)


def _compare(
    embed: Embed, table: str, parent: str, keys: list[ForeignKey], rules: DeleteRules, path: Path, findings: Findings
) -> None:
    place = findings.places.of_value(path)
    done = {key.on_delete: key.name for key in keys}
    columns, silent = ", ".join(embed.on), f"and this server ({rules.server}) does not log that"
    if "CASCADE" in done and embed.on_parent_delete != "cascade" and not rules.logged:
        what = f'deleting from "{parent}" deletes rows of "{table}" too (foreign key {done["CASCADE"]}), {silent}'
        fix = f'write  on_parent_delete: cascade  in "{embed.name}"'
        if embed.kind == "one" and embed.where is not None:  # `validate` refuses the two together, see `options`
            fix = (
                f'remove where from "{embed.name}", and write  on_parent_delete: cascade; or let the application '
                "delete the rows that refer to it first, and make the foreign key RESTRICT; or use MySQL 9.6"
            )
        findings.add(place, "source.unlogged_cascade", what, fix)
    elif "CASCADE" not in done and embed.on_parent_delete == "cascade":
        rule = f"says {' and '.join(sorted(done))}" if done else "does not exist"
        what = f'the foreign key of "{table}" ({columns}) to "{parent}" {rule} on the server, not CASCADE'
        fix = "remove on_parent_delete: rows that the source keeps must not go here"
        findings.add(place, "source.delete_rule_differs", what, fix)
    elif "SET NULL" in done and not rules.logged and path not in findings.places.keys:
        key = done["SET NULL"]
        what = f'deleting from "{parent}" sets {columns} of "{table}" to null (foreign key {key}), {silent}'
        fix = (
            "let the application set it to null before it deletes, or use MySQL 9.6; "
            f'write  on_parent_delete: orphan  in "{embed.name}" if the old value may stay'
        )
        findings.add(place, "source.unlogged_set_null", what, fix)


def _all_relations(pipeline: Pipeline, places: Places) -> Iterator[tuple[Embed, str, Path]]:
    yield from _relations(pipeline.embed, pipeline.root.table, (), places)
    for view in pipeline.views:
        yield from _relations(view.embed, view.root.table, ("views", view.collection), places)


def _relations(
    embeds: tuple[Embed, ...], parent: str, above: Path, places: Places
) -> Iterator[tuple[Embed, str, Path]]:
    """`(relation, table of its parent, its path in the file)`; a level of `depth` has the path of the first one."""
    seen: dict[str, int] = {}
    for embed in embeds:
        path = (*above, "embed", embed.name)
        cases = [key for key in places.keys if key[:-1] == (*path, "cases")]
        if cases:
            number = seen[embed.name] = seen.get(embed.name, -1) + 1
            path = cases[number]
        elif path not in places.keys and above[-1:] == (embed.name,):
            path = above
        yield embed, parent, path
        yield from _relations(embed.embed, embed.table, path, places)
