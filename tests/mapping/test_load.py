"""From a good file to the model: the example pipelines, the defaults, the forms a value may be written in."""

from __future__ import annotations

import pytest

from syncsvc.expressions import parse
from syncsvc.mapping import load, load_text, load_with_places
from syncsvc.mapping.model import Computed, Field, OrderTerm
from tests.mapping.texts import ORDERS, PIPELINES, broken


def test_the_meetings_pipeline_is_a_meeting_with_its_applications_each_with_its_user() -> None:
    """The example that everything is shown with."""
    pipeline = load(PIPELINES / "meetings.yaml")
    (applications,) = pipeline.embed
    (user,) = applications.embed

    assert (pipeline.root.table, pipeline.root.key) == ("meetup.meeting", ("id",))
    assert (applications.kind, applications.on, applications.to) == ("many", ("meeting_id",), ("id",))
    assert (user.kind, user.on, user.to) == ("one", ("user_id",), ("id",))
    assert pipeline.computed == (Computed("application_count", parse("count(applications)"), of_row=False),)


def test_the_feed_pipeline_is_a_post_with_its_author() -> None:
    """The smallest useful pipeline: one row inside another."""
    pipeline = load(PIPELINES / "feed.yaml")
    (author,) = pipeline.embed

    assert (author.table, author.kind, author.on, author.to) == ("meetup.author", "one", ("author_id",), ("id",))


def test_names_of_topics_group_and_collection_follow_from_the_mapping() -> None:
    """One rule for every name that exists outside of the process."""
    pipeline = load(PIPELINES / "meetings.yaml")

    assert pipeline.source_topic("meetup.user") == "meetup.meetup.user"
    assert pipeline.group == "syncsvc.meetings.g1"
    assert pipeline.keyed_topic == "syncsvc.meetings.g1.keyed"
    assert pipeline.target_collection == "meetings__g1"


def test_a_pipeline_published_directly_writes_the_collection_itself() -> None:
    """`publish: direct` gives up blue/green for a plain collection."""
    pipeline = load_text(broken("root:", "publish: direct\ncollection: sales\nroot:"), "orders.yaml")

    assert pipeline.target_collection == "sales"


def test_what_is_not_written_has_its_default() -> None:
    """Every optional key of the file itself."""
    pipeline = load_text(ORDERS, "orders.yaml")

    assert pipeline.generation == 1
    assert pipeline.collection == "orders"
    assert pipeline.publish == "view"
    assert pipeline.partitions == 8
    assert pipeline.source_partitions == 8
    assert pipeline.freshness_objective_seconds == 5.0
    assert pipeline.root.key == ("id",)


def test_a_list_is_joined_to_the_parents_key_and_ordered_by_its_own() -> None:
    """Defaults of `many`: to = the parent table's key, identity and order_by = the child table's key."""
    (lines,) = load_text(ORDERS, "orders.yaml").embed

    assert (lines.to, lines.identity, lines.order_by) == (("id",), ("id",), (OrderTerm("id", descending=False),))
    assert (lines.child_columns, lines.parent_columns) == (("order_id",), ("id",))


def test_a_single_value_is_joined_to_its_tables_key_and_has_no_order() -> None:
    """Defaults of `one`: to = the child table's key."""
    product = load_text(ORDERS, "orders.yaml").embed[0].embed[0]

    assert (product.to, product.identity, product.order_by) == (("id",), ("id",), ())
    assert (product.child_columns, product.parent_columns) == (("id",), ("product_id",))


def test_a_pipeline_without_relations_and_counts_is_complete() -> None:
    """`embed` and `computed` may be left out."""
    text = ORDERS[: ORDERS.index("embed:")] + ORDERS[ORDERS.index("tables:") : ORDERS.index("  shop.line:")]

    pipeline = load_text(text, "orders.yaml")

    assert (pipeline.embed, pipeline.computed) == ((), ())


@pytest.mark.parametrize(
    ("order_by", "terms"),
    [
        pytest.param("amount", (OrderTerm("amount"),), id="one column"),
        pytest.param("[amount desc, id]", (OrderTerm("amount", descending=True), OrderTerm("id")), id="greatest first"),
        pytest.param("[amount ASC]", (OrderTerm("amount"),), id="said ascending"),
    ],
)
def test_an_order_is_columns_with_an_optional_direction(order_by: str, terms: tuple[OrderTerm, ...]) -> None:
    """`column`, `column asc`, `column desc`, one or a list."""
    (lines,) = load_text(broken("    on: order_id", f"    on: order_id\n    order_by: {order_by}"), "orders.yaml").embed

    assert lines.order_by == terms


def test_a_field_may_have_another_name_in_the_document() -> None:
    """`{column: name}` renames."""
    pipeline = load_text(broken("[status, total]", "[status, {total: sum}]"), "orders.yaml")

    assert pipeline.root.fields == (Field("status", "status"), Field("total", "sum"))


def test_a_composite_key_joins_pair_by_pair() -> None:
    """`on` and `to` are lists of the same length; a list and a default fit together."""
    text = broken("    key: id", "    key: [id, status]").replace(
        "    on: order_id", "    on: [order_id, order_status]"
    ).replace("      amount: int", "      amount: int\n      order_status: char(20)")

    pipeline = load_text(text, "orders.yaml")

    assert pipeline.root.key == ("id", "status")
    assert (pipeline.embed[0].on, pipeline.embed[0].to) == (("order_id", "order_status"), ("id", "status"))


def test_types_are_kept_in_canonical_form() -> None:
    """However a type is written, the rest of the package sees one text for it."""
    pipeline = load_text(broken("total: decimal(12,2)", "total: DECIMAL( 12, 2 )  NOT NULL"), "orders.yaml")

    assert pipeline.tables["shop.order"].columns["total"] == "decimal(12,2)"


def test_column_names_that_older_yaml_takes_for_truth_values_are_names() -> None:
    """`on`, `yes` and `no` are words in YAML 1.2; a column may be called so."""
    pipeline = load_text(broken("status, total]", "yes, total]").replace("status:", "yes:"), "orders.yaml")

    assert pipeline.root.fields[0] == Field("yes", "yes")


def test_the_place_of_every_key_is_kept_for_later_checks() -> None:
    """A comparison with a server, much later, still points at a line of the file."""
    _, places = load_with_places(PIPELINES / "feed.yaml")

    place = places.of_value(("tables", "meetup.post", "columns", "title"))

    assert places.where(place).endswith("feed.yaml:19:14")
