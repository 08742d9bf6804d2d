"""Several kinds of documents in one file: views of one pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncsvc import mapping
from syncsvc.expressions import parse
from syncsvc.mapping import build, expand, reading
from syncsvc.mapping.findings import Findings, Places
from syncsvc.routing.plan import compile_plan
from tests.mapping.texts import loaded, problem_of

ROOT = Path(__file__).parents[2]
MAPPINGS = sorted(path for path in (ROOT / "docs" / "cookbook").glob("*.yaml") if not path.stem.endswith(".cases"))

VIEWS = """\
root: {table: shop.order, fields: [status]}
embed: {lines: {many: shop.line, on: order_id, fields: [amount]}}
views:
  sold:
    root: {table: shop.product, where: sku is not null, fields: [sku]}
    embed: {lines: {many: shop.line, on: product_id, fields: [amount]}}
    computed: {n: {count: lines}, large: upper(name)}
"""


def test_views_are_other_documents_from_the_same_tables() -> None:
    """Each with a root, relations and computed values of its own, under the name of its collection."""
    pipeline = loaded(VIEWS)
    (sold,) = pipeline.views

    assert (pipeline.root.table, sold.root.table, sold.collection) == ("shop.order", "shop.product", "sold")
    assert sold.root.where == parse("sku is not null")
    assert (sold.embed[0].on, sold.embed[0].to) == (("product_id",), ("id",))
    assert [value.of_row for value in sold.computed] == [False, True]
    assert set(pipeline.tables) == {"shop.order", "shop.line", "shop.product"}


@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        pytest.param("fields: [sku]", "fields: [suk]", "6:66", "unknown_column", id="field"),
        pytest.param("{count: lines}", "{count: line}", "8:27", "unknown_list", id="computed value"),
        pytest.param("on: product_id", "on: produkt_id", "7:42", "unknown_column", id="relation"),
        pytest.param("  sold:", "  p:", "5:3", "duplicate_name", id="the collection of the file's own documents"),
        pytest.param("  sold:", "  p__g1:", "5:3", "duplicate_name", id="the collection behind its view"),
        pytest.param("  sold:", "  so$ld:", "5:3", "bad_value", id="a name that is no collection"),
        pytest.param("fields: [sku]", "fields: [{sku: _id}]", "6:66", "duplicate_name", id="our own name"),
    ],
)
def test_a_mistake_in_a_view_is_told_at_its_place(old: str, new: str, place: str, code: str) -> None:
    """Views are checked like the file's own documents."""
    assert old in VIEWS

    assert problem_of(VIEWS.replace(old, new))[:2] == (place, code)


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_the_limit_of_addresses_counts_what_the_plan_makes(path: Path) -> None:
    """A mapping is refused for its look-ups exactly where the plan of a worker would run out of numbers."""
    read = reading.read(path.read_text(), Findings(Places(str(path))))
    assert read is not None

    assert expand.addresses(build.declared(read, str(path)).kinds) == len(compile_plan(mapping.load(path)).arity)
