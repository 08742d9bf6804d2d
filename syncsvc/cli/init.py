"""
`syncsvc init`: mapping files proposed along the foreign keys of the source, with the reasons as comments.

Writes files and nothing else; a file that is there stays unless `--force` is given.  What is written has passed the
same checks as `syncsvc validate`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncsvc.cli import output
from syncsvc.cli.output import Format, Output
from syncsvc.errors import CheckFailed, Problem, UsageFault

if TYPE_CHECKING:
    from syncsvc.settings import Settings
    from syncsvc.source.catalog import Catalog
    from syncsvc.source.proposal import Caution, Proposal

Roots = Annotated[
    list[str] | None,
    typer.Option("--root", metavar="DB.TABLE", help="A table whose rows become documents; repeatable."),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the files.")]
Depth = Annotated[int, typer.Option("--depth", min=1, max=6, help="Levels of relations below a root.")]
Prefix = Annotated[
    str | None,
    typer.Option("--topic-prefix", help="First part of the topics' names.  [default: the root's database]"),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")]


def init(
    root: Roots = None,
    out: Out = Path("pipelines"),
    depth: Depth = 2,
    topic_prefix: Prefix = None,
    force: Force = False,
    format_: Output = Format.TABLE,
) -> None:
    """Propose mapping files along the foreign keys of the source (SYNCSVC_SOURCE_DSN)."""
    import contextlib

    from syncsvc import settings
    from syncsvc.source import address, connection, introspection, proposal

    if topic_prefix and (what := _unfit(topic_prefix)) is not None:
        raise typer.BadParameter(what, param_hint="--topic-prefix")
    given, topic_prefix = _source(settings.read(), topic_prefix)
    asked = root or []
    with contextlib.closing(connection.connect(given)) as opened:
        catalog = introspection.read(opened, _databases(asked, address.parsed(given).database))
    chosen = _chosen(asked, catalog, interactive=format_ is Format.TABLE)
    made: dict[Path, Proposal] = {}
    for name in chosen:
        pipeline = _pipeline(name, chosen)
        while out / f"{pipeline}.yaml" in made:
            pipeline += "_2"
        wishes = proposal.Wishes(depth, topic_prefix or re.sub(r"[^A-Za-z0-9_-]", "_", name.partition(".")[0]))
        made[out / f"{pipeline}.yaml"] = proposal.propose(catalog, name, pipeline, wishes)
    texts = {path: proposal.written(found, str(path)) for path, found in made.items()}
    problems = _write(texts, force=force)
    _tell(made, _left_out(catalog, made.values()), format_)
    if problems:
        raise CheckFailed.of(problems)


def _source(given: Settings, topic_prefix: str | None) -> tuple[str | None, str | None]:
    """DSN and topic prefix of the server to look at; where there are several, the prefix says which."""
    from syncsvc.source import address, servers

    known = given.source_addresses()
    if topic_prefix is None and len(known) == 1:
        (prefix,) = known
        if prefix and (what := _unfit(prefix)) is not None:
            fix = "correct what stands in front of the =, or give another one:  --topic-prefix"
            raise UsageFault(code="settings.bad_value", where=address.SETTING, what=what, fix=fix)
        return known[prefix], prefix or None
    if topic_prefix is None and "" not in known and known:
        raise UsageFault(
            code="init.which_source",
            where=address.SETTING,
            what=f"it has DSNs for {', '.join(sorted(known))}",
            fix=f"say which server to look at:  --topic-prefix {min(known)}",
        )
    return servers.dsn(given, topic_prefix or ""), topic_prefix


def _unfit(topic_prefix: str) -> str | None:
    """What is wrong with a topic prefix, so that no file is written with it; None when nothing is."""
    from syncsvc.mapping.declaration import TOPIC_PREFIX

    if re.fullmatch(TOPIC_PREFIX.pattern, topic_prefix) and len(topic_prefix) <= TOPIC_PREFIX.most_characters:
        return None
    return f"a topic prefix must be {TOPIC_PREFIX.wording}, at most {TOPIC_PREFIX.most_characters} characters"


def _databases(roots: Sequence[str], database: str | None) -> set[str]:
    """The databases to look at: those of the roots, else that of the DSN."""
    from syncsvc.source import address

    if bad := [name for name in roots if not all(name.partition(".")[::2])]:
        raise UsageFault(
            code="init.bad_root", where=f"--root {bad[0]}", what="it is not of the form  database.table",
            fix="write the database in front of the table",
        )  # fmt: skip
    found = {name.partition(".")[0] for name in roots} or ({database} if database else set())
    if not found:
        raise UsageFault(
            code="init.no_database", where=address.SETTING, what="it names no database, and no --root is given",
            fix="put the database at the end of the DSN, or name tables:  --root database.table",
        )  # fmt: skip
    return found


def _chosen(asked: Sequence[str], catalog: Catalog, *, interactive: bool) -> list[str]:
    """The root tables: those that were asked for, else those that the person picks, else all that could be."""
    from syncsvc.source.proposal import roots, types

    problems = []
    for name in dict.fromkeys(asked):
        refused = types.refusal(catalog.tables[name]) if name in catalog.tables else None
        if name not in catalog.tables:
            problems.append(_unknown(name, catalog))
        elif refused is not None:
            problems.append(Problem(refused[0], name, refused[1], "choose another table"))
    if problems:
        raise UsageFault.of(problems)
    if asked:
        return list(dict.fromkeys(asked))
    found = roots(catalog)
    if not found:
        raise CheckFailed(
            code="init.no_roots", where=f"{len(catalog.tables)} tables",
            what="no foreign key leads to a table that could head documents",
            fix="name the tables whose rows become documents:  --root database.table",
        )  # fmt: skip
    return _picked(found) if interactive and sys.stdin.isatty() and sys.stdout.isatty() else found


def _unknown(name: str, catalog: Catalog) -> Problem:
    import difflib

    near = difflib.get_close_matches(name, list(catalog.tables), 1)
    fix = f'did you mean "{near[0]}"?' if near else "correct it, or GRANT SELECT on it"
    return Problem("init.unknown_table", f"--root {name}", "the server has no such table, or does not show it", fix)


def _picked(found: list[str]) -> list[str]:
    """Asks on the terminal; an empty answer takes all."""
    for number, name in enumerate(found, 1):
        print(f"{number:4}  {name}")
    question = "Which become documents? Numbers or names, or nothing for all"
    answer = typer.prompt(question, default="", show_default=False)
    words = [word for word in re.split(r"[,\s]+", answer) if word]
    picked = [found[int(word) - 1] if word.isdecimal() and 0 < int(word) <= len(found) else word for word in words]
    if wrong := [word for word in picked if word not in found]:
        raise UsageFault(
            code="init.bad_choice", where=wrong[0], what="it is none of the tables in the list",
            fix="give numbers of the list, or  --root database.table  for another table",
        )  # fmt: skip
    return list(dict.fromkeys(picked)) or found


def _pipeline(root: str, roots: Sequence[str]) -> str:
    """A pipeline's name: what a list of the root's rows is called, with its database where two would be the same."""
    from syncsvc.source.proposal.naming import plural

    same = [name for name in roots if name.partition(".")[2].lower() == root.partition(".")[2].lower()]
    words = plural(root.partition(".")[2]) if len(same) == 1 else plural(root.replace(".", "_"))
    return re.sub(r"[^a-z0-9_-]", "_", words.lower())[:60].strip("_-") or "documents"


def _write(texts: dict[Path, str], *, force: bool) -> list[Problem]:
    """Writes all files or none; returns what the mapping's own checks say of them, which should be nothing."""
    from syncsvc import mapping

    if there := [path for path in texts if path.exists() and not force]:
        raise UsageFault.of(
            Problem("init.exists", str(path), "the file is there already", "give another --out, or --force")
            for path in there
        )
    problems: list[Problem] = []
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageFault(
                code="init.unwritable", where=str(path), what=f"it cannot be written: {error.strerror}",
                fix="give another --out",
            ) from None  # fmt: skip
        try:
            mapping.load_text(text, str(path))
        except UsageFault as fault:
            problems += fault.problems
    return problems


def _left_out(catalog: Catalog, made: Iterable[Proposal]) -> list[Caution]:
    """Every caution of the files, and the tables that no file can use."""
    from syncsvc.source.proposal import Caution, types

    # One place may be told differently of two files: what is embedded in one is not in the other.
    found = {(one.code, one.where, one.what): one for proposal in made for one in proposal.cautions}
    for name, table in sorted(catalog.tables.items()):
        if (refused := types.refusal(table)) is not None:
            left_out = Caution(refused[0], name, f"{refused[1]}: left out")
            found.setdefault((left_out.code, name, left_out.what), left_out)
    return list(found.values())


def _tell(made: dict[Path, Proposal], cautions: list[Caution], format_: Format) -> None:
    from syncsvc.source.proposal import size

    headings = ("file", "root", "tables", "relations")
    rows = [(str(path), found.root, len(found.tables), size(found.embed)) for path, found in made.items()]
    told = [{"code": caution.code, "where": caution.where, "what": caution.what} for caution in cautions]
    if format_ is Format.JSON:
        output.show_json({"files": [dict(zip(headings, row, strict=True)) for row in rows], "warnings": told})
        return
    output.show_table(headings, rows, numbers=("tables", "relations"))
    if told:
        print()
        output.show_table(("look at", "", ""), [(one["where"], one["what"], one["code"]) for one in told])
    print(f"\nnext: read them, then  syncsvc validate --live {' '.join(map(str, made))}")
