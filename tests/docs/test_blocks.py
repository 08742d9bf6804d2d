"""Nothing that a reader copies from README or docs is wrong: every block is run, loaded or checked by its language."""

from __future__ import annotations

import contextlib
import importlib
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml

from syncsvc import cases
from syncsvc.errors import UsageFault
from syncsvc.mapping import load_text
from tests.docs import commands
from tests.docs.blocks import PAGES, ROOT, Block, anchors, blocks, links, prose

BLOCKS = [block for page in PAGES for block in blocks(page)]

#: Blocks whose content is run by another test: `{(page, language): that test}`.
ELSEWHERE = {
    ("docs/commands.md", "yaml"): "tests.source.test_commands_page:test_the_page_shows_what_the_commands_print",
    ("docs/expressions.md", "expressions"): "tests.expressions.test_manual:",
    ("docs/expressions.md", "ebnf"): "tests.expressions.test_manual:",
    ("docs/tutorial.md", "sql"): "tests.docs.test_tutorial:test_the_tutorial_does_what_it_says",
    ("docs/tutorial.md", "yaml"): "tests.docs.test_tutorial:test_the_tutorial_does_what_it_says",
}
#: Problems of a part of a mapping that are none of the part.
_OF_PARTS = {"mapping.missing_key", "mapping.unused_table"}
_KUBERNETES = "1.33"


def _named(block: Block) -> str:
    return block.name


def _lines(found: dict[str, Any]) -> str:
    """Keys and their values, which are YAML too."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in found.items())


def _mapping(block: Block) -> str:
    """The mapping of a block, completed by the page's tables where it leaves them out."""
    if re.search(r"^tables:", block.text, re.MULTILINE):
        return block.text
    for other in blocks(block.page):
        found = yaml.safe_load(other.text) if other.language == "yaml" and "pipeline:" not in other.text else None
        if isinstance(found, dict) and "tables" in found:
            named = {name: table for name, table in found["tables"].items() if re.search(rf"{name}\b", block.text)}
            missing = {} if re.search(r"^source:", block.text, re.MULTILINE) else {"source": found["source"]}
            return f"{block.text}{_lines({**missing, 'tables': named})}"
    raise AssertionError(f"{block.name}: the mapping has no tables, and the page has none for it")


def _yaml(block: Block, folder: Path) -> None:
    for found in yaml.safe_load_all(block.text):
        assert isinstance(found, dict), "a YAML block is a mapping file, a part of one, cases, or a Kubernetes object"
        if "pipeline" in found:
            assert load_text(_mapping(block), block.name).name
        elif "cases" in found:
            before = [one for one in blocks(block.page) if one.line < block.line and "pipeline:" in one.text]
            (folder / "page.cases.yaml").write_text(block.text)
            assert cases.load(folder / "page.cases.yaml", load_text(_mapping(before[-1]), before[-1].name))
        elif "apiVersion" in found:
            _kubernetes(found)
        elif "groups" in found:
            for rule in (rule for group in found["groups"] for rule in group["rules"]):
                assert promql_parser.parse(rule["expr"])
        else:
            with pytest.raises(UsageFault) as fault:
                load_text(f"pipeline: part\n{block.text}", block.name)
            assert {problem.code for problem in fault.value.problems} <= _OF_PARTS, str(fault.value)


def _kubernetes(found: dict[str, Any]) -> None:
    """An object of Kubernetes itself fits its schema; one of an extension is of a kind that deploy/ uses."""
    kind = (found["apiVersion"], found["kind"])
    group = found["apiVersion"].partition("/")[0]
    if "." not in group or (group.endswith(".k8s.io") and not group.startswith("kustomize")):
        kubernetes_validate.validate(found, _KUBERNETES, strict=True)
        return
    used = set()
    for path in [*(ROOT / "deploy").rglob("*.yaml"), *(ROOT / "deploy").rglob("Kustomization")]:
        documents = yaml.safe_load_all(path.read_text())
        used |= {(one.get("apiVersion"), one.get("kind")) for one in documents if isinstance(one, dict)}
    assert kind in used, f"deploy/ has no {kind}"


def _json(block: Block, folder: Path) -> None:
    json.loads(block.text)


def _commands(block: Block, folder: Path) -> None:
    lines = commands.of(block)
    assert lines, "a block of commands has none; a console begins its commands with $"
    for line in lines:
        commands.check(line)


def _python(block: Block, folder: Path) -> None:
    compile(block.text, block.name, "exec")


def _environment(block: Block, folder: Path) -> None:
    for line in block.text.splitlines():
        commands.check(f"export {line}" if line.strip() and not line.startswith("#") else "echo")


def _properties(block: Block, folder: Path) -> None:
    """Settings of Java programs: a name and a value a line."""
    lines = [line for line in block.text.splitlines() if line.strip() and not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+ ?= ?\S.*", line)] == []


def _shell_of_mongodb(block: Block, folder: Path) -> None:
    """There is no shell of MongoDB here to run it: the files it reads are there, and brackets are closed."""
    named = re.findall(r"[\"']([\w./-]+\.(?:json|js))[\"']", block.text)
    assert [name for name in named if not list((ROOT / "deploy").rglob(name))] == []
    for opening, closing in ("()", "[]", "{}"):
        assert block.text.count(opening) == block.text.count(closing)


def _promql(block: Block, folder: Path) -> None:
    for expression in block.text.strip().split("\n\n"):
        assert promql_parser.parse(expression)


def _sql(block: Block, folder: Path) -> None:
    """A query fits the tables of the page's mapping; what a server alone knows is run by another test."""
    mapping = next(one for one in blocks(block.page) if one.language == "yaml" and "pipeline:" in one.text)
    tables = load_text(_mapping(mapping), mapping.name).tables
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for name, table in tables.items():
            database.execute(f"CREATE TABLE {name.partition('.')[2]} ({', '.join(table.columns)})")
        for statement in filter(str.strip, block.text.split(";")):
            assert statement.lstrip().startswith("SELECT"), "what is more than a query is run by a test of ELSEWHERE"
            database.execute(f"EXPLAIN {statement}", (1,) * statement.count("?"))


def _output(block: Block, folder: Path) -> None:
    assert not block.text.startswith("$ "), "commands stand in a block of the language console"


CHECKS: dict[str, Callable[[Block, Path], None]] = {
    "yaml": _yaml,
    "json": _json,
    "console": _commands,
    "bash": _commands,
    "sh": _commands,
    "indented": _commands,
    "python": _python,
    "dotenv": _environment,
    "promql": _promql,
    "properties": _properties,
    "js": _shell_of_mongodb,
    "sql": _sql,
    "text": _output,
    "": _output,
}


@pytest.mark.parametrize("block", BLOCKS, ids=_named)
def test_a_block_can_be_used_as_it_is(block: Block, tmp_path: Path) -> None:
    """Mappings load, JSON parses, commands and their options exist; a language that nobody checks is refused."""
    elsewhere = ELSEWHERE.get((str(block.page.relative_to(ROOT)), block.language))
    if elsewhere is not None:
        module, _, name = elsewhere.partition(":")
        assert not name or hasattr(importlib.import_module(module), name)
        return
    assert block.language in CHECKS, f"{block.name}: how is this checked? see CHECKS and ELSEWHERE"
    CHECKS[block.language](block, tmp_path)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("console", "$ syncsvc validate --lives pipelines/feed.yaml"),
        ("console", "$ syncsvc parked shew x"),
        ("console", "$ make coffee"),
        ("console", "$ kubectl apply -k deploy/k8s/overlays/nowhere"),
        ("console", "$ docker compose --profile nothing up"),
        ("console", "$ docker compose logs nobody"),
        ("console", "$ pip install 'syncsvc[avrow]'"),
        ("console", "$ SYNCSVC_KAFKA_BOOTSTRAPS=x syncsvc run pipelines/feed.yaml"),
        ("console", "$ curl -s localhost:6066/metric"),
        ("console", "$ frobnicate"),
        ("console", 'syncsvc validate x'),
        ("bash", 'eval "$(syncsvc dev environment)"'),
        ("json", '{"a": 1,}'),
        ("yaml", "pipeline: x\nrot: {table: a.b}\nsource: {topic_prefix: x}\ntables: {}\n"),
        ("yaml", "embed: {lines: {man: a.b}}\n"),
        ("yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {container: []}\n"),
        ("yaml", "groups: [{name: x, rules: [{alert: X, expr: 'sum('}]}]"),
        ("bash", "deploy/nothing.sh --now"),
        ("properties", "no value"),
        ("js", 'db.runCommand(JSON.parse(fs.readFileSync("nothing.json")))'),
        ("promql", "syncsvc_freshness_seconds{"),
        ("text", "$ syncsvc run"),
    ],
)
def test_a_wrong_block_does_not_pass(language: str, text: str, tmp_path: Path) -> None:
    """The checks above are able to fail."""
    block = Block(ROOT / "README.md", 1, language, f"{text}\n")

    with pytest.raises((AssertionError, ValueError, UsageFault, kubernetes_validate.ValidationError)):
        CHECKS[language](block, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    """A link within the repository names a file or folder that is there, and a heading that it has."""
    wrong = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            wrong.append(target)

    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_list_is_a_list_on_the_site_too(page: Path) -> None:
    """MkDocs wants an empty line before a list, which GitHub does without."""
    text = prose(page)

    assert re.findall(r"^(?![-*|>]|\d+\.| |#|<)\S.*\n(?:[-*]|\d+\.) .*", text, re.MULTILINE) == []
