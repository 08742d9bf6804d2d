"""What a person is told about a mapping that is wrong: code, line and column, and what to write instead."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from syncsvc.errors import UsageFault
from syncsvc.mapping import load, load_text
from tests.mapping.texts import ORDERS, broken, places_of, problems_of

NO_QUOTES = 'put the type in quotes, a comma inside {…} ends a value: "decimal(12,2)"'

# old text, new text, line:column, code, fix
ONE_MISTAKE = [
    pytest.param("pipeline: orders", "pipelin: orders",
                 "1:1", "unknown_key", 'did you mean "pipeline"?', id="misspelt top key"),
    pytest.param("    fields: [id,", "    filds: [id,",
                 "10:5", "unknown_key", 'did you mean "fields"?', id="misspelt key"),
    pytest.param("  fields: [st", "  zzz: 1\n  fields: [st",
                 "5:3", "unknown_key", "known: table, key, fields", id="no near key"),
    pytest.param("    on: order_id\n", "", "7:3", "missing_key", "add  on: …", id="required key"),
    pytest.param("    many: shop.line\n", "",
                 "7:3", "missing_key", "add  many: database.table", id="neither many nor one"),
    pytest.param("source: {topic_prefix: shop}", "source: {}",
                 "2:1", "missing_key", "add  topic_prefix: …", id="nested key"),
    pytest.param("    many: shop.line", "    many: shop.line\n    one: shop.line",
                 "9:5", "not_allowed", "keep one", id="many and one"),
    pytest.param("        on: product_id", "        on: product_id\n        order_by: [id]", "15:9", "not_allowed",
                 'remove it, or use "many"', id="order of a single value"),
    pytest.param("pipeline: orders", "pipeline: Orders!",
                 "1:11", "bad_value", "use lower-case letters", id="pipeline name"),
    pytest.param("pipeline: orders", "pipeline: 12",
                 "1:11", "bad_value", 'put it in quotes: "12"', id="number for a text"),
    pytest.param("pipeline: orders", "pipeline:", "1:1", "bad_value", "use lower-case letters", id="empty value"),
    pytest.param("root:", "generation: 0\nroot:",
                 "3:13", "bad_value", "use a whole number from 1", id="generation 0"),
    pytest.param("root:", "partitions: 1025\nroot:", "3:13", "bad_value", "from 1 to 1024", id="too many partitions"),
    pytest.param("root:", "source_partitions: 0\nroot:",
                 "3:20", "bad_value", "from 1 to 1024", id="no source partition"),
    pytest.param("root:", "partitions: 010\nroot:",
                 "3:13", "bad_value", "without 0 in front", id="octal to some readers"),
    pytest.param("root:", "partitions: 1.5\nroot:", "3:13", "bad_value", "from 1 to 1024", id="half a partition"),
    pytest.param("root:", "freshness_objective_seconds: 0\nroot:",
                 "3:30", "bad_value", "above 0", id="objective of 0"),
    pytest.param("root:", "freshness_objective_seconds: .inf\nroot:",
                 "3:30", "bad_value", "above 0", id="endless objective"),
    pytest.param("root:", "publish: veiw\nroot:", "3:10", "bad_value", 'did you mean "view"?', id="misspelt choice"),
    pytest.param("root:", "collection: a$b\nroot:",
                 "3:13", "bad_value", "MongoDB collection name", id="$ in collection"),
    pytest.param("root:", "collection: system.x\nroot:", "3:13", "bad_value", "system.", id="system collection"),
    pytest.param("root:", "collection: syncsvc_fences\nroot:",
                 "3:13", "bad_value", "syncsvc_", id="our own collection"),
    pytest.param("topic_prefix: shop", "topic_prefix: a b", "2:24", "bad_value", "single dots", id="topic prefix"),
    pytest.param("[status, total]", "status", "5:11", "bad_value", "write  fields: [", id="fields without a list"),
    pytest.param("[status, total]", "[]", "5:11", "bad_value", "write  fields: [", id="no field"),
    pytest.param("[status, total]", "[status, [total]]",
                 "5:20", "bad_value", "{column: new_name}", id="list in a list"),
    pytest.param("[status, total]", "[status, {total: 'a.b'}]",
                 "5:28", "bad_value", "no dot", id="dot in a field name"),
    pytest.param("[status, total]", "[status, {total: $sum}]",
                 "5:28", "bad_value", "no $ in front", id="$ before a field name"),
    pytest.param("[status, total]", "[status, {total: \"a\\0\"}]",
                 "5:28", "bad_value", "field name", id="NUL in a field name"),
    pytest.param("      product:", "      pro.duct:", "12:7", "bad_value", "no dot", id="dot in a relation's name"),
    pytest.param("computed:\n  line_count: {count: lines}", "computed: [1]", "16:11", "bad_value", "one entry a name",
                 id="list for names"),
    pytest.param("source: {topic_prefix: shop}", "source: shop",
                 "2:9", "bad_value", "keys: topic_prefix", id="text for keys"),
    pytest.param("  table: shop.order", "  table: shop",
                 "4:10", "bad_value", "database.table", id="table without database"),
    pytest.param("  table: shop.order", "  table: shop.odrer",
                 "4:10", "unknown_table", 'did you mean "shop.order"?', id="misspelt table"),
    pytest.param("[status, total]", "[status, totl]",
                 "5:20", "unknown_column", 'did you mean "total"?', id="root field"),
    pytest.param("[id, amount]", "[id, {amuont: n}]",
                 "10:18", "unknown_column", 'did you mean "amount"?', id="renamed field"),
    pytest.param("    on: order_id", "    on: [ordr_id]",
                 "9:10", "unknown_column", 'did you mean "order_id"?', id="on of many"),
    pytest.param("        on: product_id", "        on: prod_id",
                 "14:13", "unknown_column", '"product_id"?', id="on of one"),
    pytest.param("    on: order_id", "    on: order_id\n    to: ids",
                 "10:9", "unknown_column", 'did you mean "id"?', id="to of many"),
    pytest.param("    on: order_id", "    on: order_id\n    order_by: [id, amunt desc]",
                 "10:20", "unknown_column", '"amount"?', id="order_by"),
    pytest.param("    on: order_id", "    on: order_id\n    identity: product_id",
                 "10:15", "not_the_key", "identity: [id]", id="identity"),
    pytest.param("  table: shop.order", "  table: shop.order\n  key: total",
                 "5:8", "not_the_key", "key: [id]", id="root key"),
    pytest.param("    on: order_id", "    on: [order_id, amount]",
                 "9:9", "arity", "pair by pair", id="more on than to"),
    pytest.param("order_id: int unsigned", "order_id: varchar(20)",
                 "9:9", "type_mismatch", "same type", id="text with integer"),
    pytest.param("product_id: int null", "product_id: float null", "14:13", "type_mismatch", "same type", id="float"),
    pytest.param("[id, amount]", "[id, {amount: id}]",
                 "10:18", "duplicate_name", "rename it: {amount: another_name}", id="field twice"),
    pytest.param("[id, amount]", "[id, {amount: product}]",
                 "12:7", "duplicate_name", "another name", id="field and relation"),
    pytest.param("  line_count:", "  lines:", "17:3", "duplicate_name", "another name", id="relation and computed"),
    pytest.param("  line_count:", "  _sync:", "17:3", "duplicate_name", "another name", id="our own name"),
    pytest.param("[status, total]", "[{status: _id}, total]",
                 "5:12", "duplicate_name", "rename it", id="the name of the key"),
    pytest.param("{count: lines}", "{count: line}",
                 "17:23", "unknown_list", 'did you mean "lines"?', id="count of nothing"),
    pytest.param("{count: lines}", "{count: product}",
                 "17:23", "unknown_list", "known: lines", id="count below the root"),
    pytest.param("tables:\n", "tables:\n  shop.old: {key: id, columns: {id: int}}\n",
                 "19:3", "unused_table", "remove it", id="unused table"),
    pytest.param("    key: id", "    key: [id, id]",
                 "20:15", "duplicate_name", "name it once", id="key column twice"),
    pytest.param("    key: id", "    key: di", "20:10", "unknown_column", 'did you mean "id"?', id="key column"),
    pytest.param("      id: int\n", "      id: int null\n",
                 "35:11", "bad_key", 'remove "null"', id="key that may be null"),
    pytest.param("total: decimal(12,2)", "total: decimla(12,2)",
                 "24:14", "bad_type", 'did you mean "decimal"?', id="misspelt type"),
    pytest.param("total: decimal(12,2)", "total: decimal(a)",
                 "24:14", "bad_type", "decimal", id="arguments of a type"),
    pytest.param("      total: decimal(12,2)", "      total: 7",
                 "24:14", "bad_value", "quotes", id="number for a type"),
    pytest.param("  shop.product:\n    key: id\n    columns:\n      id: int\n      name: varchar(100)\n",
                 "  shop.product: {key: id, columns: {id: int, name: varchar(9), price: decimal(12,2)}}\n",
                 "32:71", "bad_type", NO_QUOTES, id="a type torn apart by its comma"),
    pytest.param("root:", "pipeline: again\nroot:", "3:1", "duplicate_key", "keep one of the two", id="key twice"),
    pytest.param("root:", "pipeline: [\nroot:", "5:8", "syntax", "correct the YAML", id="open bracket"),
    pytest.param("root:", "\troot:", "3:1", "syntax", "correct the YAML", id="tab"),
    pytest.param("pipeline: orders", "pipeline: !!python/name:os orders",
                 "1:11", "bad_value", "remove the tag", id="tag"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "code", "fix"), ONE_MISTAKE)
def test_one_mistake_is_told_once_at_its_line_and_column(old: str, new: str, place: str, code: str, fix: str) -> None:
    """Each mistake gives one problem, at the key or value that is wrong, with what to write instead."""
    problems = problems_of(broken(old, new))

    assert [(problem.where, problem.code) for problem in problems] == [(f"orders.yaml:{place}", f"mapping.{code}")]
    assert fix in problems[0].fix


def test_the_mapping_that_the_table_above_breaks_is_good() -> None:
    """Without a change there is no problem, so every problem above comes from its one change."""
    assert problems_of(ORDERS) == []


def test_all_problems_of_a_file_are_told_in_one_run_in_the_order_of_its_lines() -> None:
    """Syntax aside, no mistake hides another one: structure, names, types and relations are told together."""
    text = ORDERS
    for old, new in [
        ("pipeline: orders", "pipeline: ORDERS"),
        ("[status, total]", "[statsu, total]"),
        ("    on: order_id", "    on: order_id\n    order_by: [nothing_like_it]"),
        ("{count: lines}", "{cuont: lines}"),
        ("total: decimal(12,2)", "total: decimla(12,2)"),
        ("product_id: int null", "product_id: varchar(9) null"),
    ]:
        text = text.replace(old, new, 1)

    assert places_of(text) == [
        ("1:11", "mapping.bad_value"),
        ("5:12", "mapping.unknown_column"),
        ("10:16", "mapping.unknown_column"),
        ("15:13", "mapping.type_mismatch"),
        ("18:16", "mapping.unknown_key"),
        ("25:14", "mapping.bad_type"),
    ]


def test_a_problem_reads_as_place_and_code_then_what_then_fix() -> None:
    """The text a person sees, whole."""
    (problem,) = problems_of(broken("    fields: [id,", "    filds: [id,"))

    assert problem.render() == (
        "orders.yaml:10:5  mapping.unknown_key\n"
        '  embed "lines" has no key "filds"\n'
        '  fix: did you mean "fields"?'
    )


def test_a_fault_of_a_mapping_ends_a_command_with_exit_code_2() -> None:
    """Exit code 2: the person who wrote the mapping acts."""
    with pytest.raises(UsageFault) as caught:
        load("no/such/file.yaml")

    assert caught.value.exit_code == 2
    assert [(problem.where, problem.code) for problem in caught.value.problems] == [
        ("no/such/file.yaml", "mapping.unreadable")
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"pipeline: \xff", "not UTF-8", id="Latin-1"),
        pytest.param(b"#" * (2 * 1024 * 1024 + 1), "larger than", id="a file given by mistake"),
    ],
)
def test_a_file_that_is_no_text_is_refused_by_name(content: bytes, what: str, tmp_path: Path) -> None:
    """What cannot be read at all has no line; the file is named."""
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(content)

    with pytest.raises(UsageFault, match=what):
        load(file)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "mapping.empty", id="nothing"),
        pytest.param("# only a comment\n", "mapping.empty", id="a comment"),
        pytest.param("orders", "mapping.bad_value", id="one word"),
        pytest.param("- orders", "mapping.bad_value", id="a list"),
        pytest.param("a: &a [*a]", "mapping.too_large", id="an anchor inside itself"),
        pytest.param("[" * 400 + "]" * 400, "mapping.too_large", id="deep nesting"),
        pytest.param("a: 1\n---\nb: 1", "mapping.syntax", id="two documents"),
        pytest.param('"\\U99999999"', "mapping.syntax", id="an impossible character"),
    ],
)
def test_a_text_that_is_no_mapping_is_refused(text: str, code: str) -> None:
    """Whatever a file holds, the answer is a problem with a place."""
    assert next(problem.code for problem in problems_of(text)) == code


def test_anchors_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    """Ten levels of ten references each would be 10**10 values."""
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 11)]
    text = "\n".join(["l0: &l0 x", *levels])

    assert "mapping.too_large" in {problem.code for problem in problems_of(text)}


@pytest.mark.parametrize("cut", ["datetime(6) as date", "timestamp(6) as date"])
def test_a_time_that_is_cut_is_no_key(cut: str) -> None:
    """Two rows of one millisecond would become one document: microseconds are carried whole in a key."""
    problems = problems_of(broken("      id: int\n", f"      id: {cut}\n"))

    keys = [problem for problem in problems if problem.code == "mapping.bad_key"]
    assert [problem.fix for problem in keys] == ["carry it `as micros`"]
    assert "different values may become one" in keys[0].what


def _views(number: int) -> str:
    """A mapping of one kind of document and of `number` others."""
    root = "root: {table: shop.order, fields: [id]}"
    tables = "tables:\n  shop.order: {key: id, columns: {id: int}}\n"
    views = "".join(f"  view{n}: {{{root}}}\n" for n in range(number))
    return f"pipeline: orders\nsource: {{topic_prefix: shop}}\n{root}\nviews:\n{views}{tables}"


def test_more_kinds_of_documents_and_lookups_than_keys_can_tell_apart_are_refused() -> None:
    """256 in all; the 257th is a problem with its place and fix, before any worker has begun."""
    assert load_text(_views(255), "orders.yaml").views
    (problem,) = problems_of(_views(256))

    assert (problem.code, problem.where.split(":", 1)[1]) == ("mapping.too_large", "4:1")
    assert "257 kinds of documents and 0 look-ups; at most 256" in problem.what


def test_half_a_character_is_refused() -> None:
    """An escape that no UTF-8 can hold would fail in the first worker, and in every message about it."""
    problems = problems_of(broken("pipeline: orders", 'pipeline: orders\ncollection: "\\ud800"'))

    assert [(problem.where.split(":", 1)[1], problem.code) for problem in problems] == [("2:13", "mapping.bad_value")]
    "".join(problem.render() for problem in problems).encode()


def test_a_character_that_no_yaml_holds_has_its_place() -> None:
    """A NUL that an editor left in the middle of a file is found by line and column."""
    (problem,) = problems_of("pipeline: orders\nsource: \x00\n")

    assert (problem.where.split(":", 1)[1], problem.code) == ("2:9", "mapping.syntax")


def test_a_message_repeats_only_the_beginning_of_a_name() -> None:
    """However long it is, and without what a terminal would obey."""
    long, wild = problems_of(broken("pipeline: orders", f'pipeline: orders\n{"x" * 500}: 1\n"\\e[2J": 2'))
    name, *_ = problems_of(broken("root:", f'computed: {{{"x" * 500}: status}}\nroot:'))

    assert len(long.what) < 200
    assert "\x1b" not in wild.what
    assert "at most 200 characters" in name.fix


def test_a_large_file_that_is_wrong_in_every_line_is_told_within_seconds() -> None:
    """Each problem costs the same, however many there are before it."""
    begun = time.process_time()
    found = problems_of(broken("[status, total]", f"[{'1, ' * 6_000}status]"))

    assert len(found) == 6_000
    assert time.process_time() - begun < 4
