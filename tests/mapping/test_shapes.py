"""Every shape a document can have, from its text to the model, and the ones that trip other tools."""

from __future__ import annotations

from syncsvc.expressions import parse
from syncsvc.mapping import load_text
from syncsvc.mapping.model import Computed, Embed, Field
from tests.mapping.texts import ORDERS, loaded

ORDER = "root: {table: shop.order, fields: [status]}\n"


def relations(head: str) -> tuple[Embed, ...]:
    """Relations of the root."""
    return loaded(head).embed


def test_a_condition_on_the_root_and_on_a_relation_is_kept_as_an_expression() -> None:
    """`where` is over the columns of its own table, `when` over those of the parent."""
    pipeline = loaded(
        """\
root: {table: shop.order, where: "status <> 'draft' and paid", fields: [status]}
embed:
  lines: {many: shop.line, on: order_id, where: amount > 1, when: "status = 'open'", fields: [id]}
"""
    )
    (lines,) = pipeline.embed

    assert pipeline.root.where == parse("status <> 'draft' and paid")
    assert (lines.where, lines.when) == (parse("amount > 1"), parse("status = 'open'"))


def test_options_of_a_list_are_kept() -> None:
    """`limit`, `value`, `map_by`, `on_parent_delete`."""
    (lines,) = relations(
        ORDER + "embed: {lines: {many: shop.line, on: order_id, limit: 3, value: amount, map_by: id, "
        "on_parent_delete: cascade, fields: [amount]}}\n"
    )

    assert (lines.limit, lines.value, lines.map_by, lines.on_parent_delete) == (3, "amount", "id", "cascade")


def test_what_is_not_written_of_a_relation_is_off() -> None:
    """A mapping of before means what it meant."""
    (lines,) = relations(ORDER + "embed: {lines: {many: shop.line, on: order_id, fields: [id]}}\n")

    assert (lines.where, lines.when, lines.limit, lines.value, lines.map_by) == (None, None, None, None, None)
    assert (lines.merge, lines.required, lines.on_parent_delete, lines.computed) == (False, False, "orphan", ())


def test_many_to_many_is_a_list_of_the_junction_with_the_row_behind_it_merged_and_required() -> None:
    """With the junction's own columns, or as an array of scalars."""
    tags, labels = relations(
        """\
root: {table: shop.product, fields: [sku]}
embed:
  tags:
    many: shop.product_tag
    on: product_id
    fields: [since]
    embed: {tag: {one: shop.tag, on: tag_id, merge: true, required: true, fields: [id, label]}}
  labels:
    many: shop.product_tag
    on: product_id
    value: label
    embed: {tag: {one: shop.tag, on: tag_id, merge: true, required: true, fields: [label]}}
"""
    )

    assert (tags.embed[0].merge, tags.embed[0].required) == (True, True)
    assert (labels.fields, labels.value) == ((), "label")


def test_depth_is_the_relation_in_itself_under_its_own_name() -> None:
    """So many levels in all; what hangs on an element hangs on each."""
    (below,) = relations(
        """\
root: {table: shop.category, fields: [name]}
embed:
  below:
    many: shop.category
    on: parent_id
    depth: 3
    fields: [id]
    embed: {products: {many: shop.product, on: category_id, fields: [sku]}}
"""
    )
    levels = [below]
    while inner := [embed for embed in levels[-1].embed if embed.name == "below"]:
        levels += inner

    assert len(levels) == 3
    assert [(level.on, level.to, level.fields) for level in levels] == [(("parent_id",), ("id",), below.fields)] * 3
    assert [[embed.name for embed in level.embed] for level in levels] == [["products", "below"]] * 2 + [["products"]]


def test_a_single_row_may_follow_itself_too() -> None:
    """The way up: a category, its parent, the parent of that."""
    (parent,) = relations(
        "root: {table: shop.category, fields: [name]}\n"
        "embed: {parent: {one: shop.category, on: parent_id, depth: 2, fields: [name]}}\n"
    )

    assert (parent.embed[0].name, parent.embed[0].on, parent.embed[0].embed) == ("parent", ("parent_id",), ())


def test_a_switch_is_a_relation_for_each_case_under_one_name() -> None:
    """Each only while the column has its value, in the type of the column."""
    order, product, numbered = relations(
        """\
root: {table: shop.note, fields: [body]}
embed:
  about:
    switch: about_type
    cases:
      order: {one: shop.order, on: about_id, fields: [status]}
      it's: {one: shop.product, on: about_id, fields: [sku]}
  by_number:
    switch: kind
    cases:
      -5: {one: shop.order, on: about_id, fields: [status]}
"""
    )

    assert [order.name, product.name] == ["about", "about"]
    assert (order.when, product.when) == (parse("about_type = 'order'"), parse("about_type = 'it''s'"))
    assert numbered.when == parse("kind = -5")


def test_a_computed_value_of_columns_of_its_own_row_is_of_the_row() -> None:
    """By column, also when the document calls the column something else; elsewhere by what is shown."""
    pipeline = loaded(
        """\
root: {table: shop.order, fields: [{total: sum}, status]}
embed:
  lines:
    many: shop.line
    on: order_id
    fields: [{amount: pieces}]
    computed: {cost: price * pieces}
computed:
  twice: sum * 2
  of_two: concat(status, '/', text(customer_id))
  line_count: {count: lines}
  cost: sum(lines, cost) + twice
  answer: 42
"""
    )

    assert pipeline.embed[0].computed == (Computed("cost", parse("price * amount"), of_row=True),)
    assert pipeline.computed == (
        Computed("twice", parse("total * 2"), of_row=True),
        Computed("of_two", parse("concat(status, '/', text(customer_id))"), of_row=True),
        Computed("line_count", parse("count(lines)"), of_row=False),
        Computed("cost", parse("sum(lines, cost) + twice"), of_row=False),
        Computed("answer", parse("42"), of_row=True),
    )


def test_both_ways_to_write_a_count_are_the_same() -> None:
    """`{count: lines}` and `count(lines)`."""
    head = ORDER + "embed: {lines: {many: shop.line, on: order_id, fields: [id]}}\ncomputed: {n: HOW}\n"

    assert loaded(head.replace("HOW", "{count: lines}")) == loaded(head.replace("HOW", "count(lines)"))


def test_fields_may_be_left_out_where_something_else_is_shown() -> None:
    """Relations or computed values alone make a document or an element."""
    pipeline = loaded(
        """\
root: {table: shop.order}
embed:
  lines: {many: shop.line, on: order_id, computed: {cost: amount * price}}
"""
    )

    assert pipeline.root.fields == pipeline.embed[0].fields == ()


def test_fields_of_a_merged_relation_stand_in_the_level_of_its_parent() -> None:
    """A computed value of the level uses them by their names."""
    pipeline = loaded(
        ORDER + "embed: {customer: {one: shop.customer, on: customer_id, merge: true, fields: [name]}}\n"
        "computed: {greeting: \"concat('Dear ', name)\"}\n"
    )

    assert pipeline.embed[0].merge
    assert pipeline.computed == (Computed("greeting", parse("concat('Dear ', name)"), of_row=False),)


def test_a_table_of_another_server_has_topics_of_its_own() -> None:
    """`tables.<t>.topic_prefix`; the others keep the pipeline's."""
    text = ORDERS.replace("  shop.product:\n", "  shop.product:\n    topic_prefix: catalog\n")
    pipeline = load_text(text, "orders.yaml")

    assert pipeline.source_topic("shop.product") == "catalog.shop.product"
    assert pipeline.source_topic("shop.order") == "shop.shop.order"


def test_the_application_may_own_fields_of_a_plain_collection() -> None:
    """`write: merge` with `publish: direct`."""
    assert loaded("publish: direct\nwrite: merge\n" + ORDER).write == "merge"
    assert loaded(ORDER).write == "replace"


def test_arrays_in_arrays_in_arrays_are_accepted() -> None:
    """An array in a document in an array, where other tools lose the elements of the inner one."""
    (orders,) = relations(
        """\
root: {table: shop.customer, fields: [name]}
embed:
  orders:
    many: shop.order
    on: customer_id
    fields: [status]
    embed:
      lines:
        many: shop.line
        on: order_id
        fields: [amount]
        embed:
          product:
            one: shop.product
            on: product_id
            fields: [sku]
            embed: {translations: {many: shop.translation, on: product_id, fields: [language, name]}}
"""
    )

    assert orders.embed[0].embed[0].embed[0].kind == "many"


def test_a_table_stands_in_two_places_of_one_document() -> None:
    """Also with other rows and other fields."""
    cheap, dear = relations(
        ORDER + "embed:\n"
        "  cheap: {many: shop.line, on: order_id, where: price < 10, fields: [amount]}\n"
        "  dear: {many: shop.line, on: order_id, where: price >= 10, fields: [price, note]}\n"
    )

    assert (cheap.table, dear.table) == ("shop.line", "shop.line")


def test_one_column_is_part_of_two_composite_keys() -> None:
    """The own key and a foreign key share `shop_id`."""
    (shelf,) = relations(
        "root: {table: shop.stock, fields: [amount]}\n"
        "embed: {shelf: {one: shop.shelf, on: [shop_id, shelf_id], fields: [name]}}\n"
    )

    assert (shelf.on, shelf.to) == (("shop_id", "shelf_id"), ("shop_id", "shelf_id"))


def test_a_field_may_take_the_name_of_another_column() -> None:
    """Whether that column is shown under a third name or not at all; an expression means what is shown."""
    swapped = loaded("root: {table: shop.product, fields: [{sku: name}, {name: title}]}\ncomputed: {u: upper(name)}\n")
    hidden = loaded("root: {table: shop.product, fields: [{sku: name}]}\ncomputed: {u: upper(name)}\n")

    assert swapped.root.fields == (Field("sku", "name"), Field("name", "title"))
    assert hidden.root.fields == (Field("sku", "name"),)
    assert swapped.computed == hidden.computed == (Computed("u", parse("upper(sku)"), of_row=True),)


def test_a_list_is_a_list_of_values_or_an_object_of_them() -> None:
    """`value` shows a field, a computed value, a nested relation or a merged field; with `map_by`, under a key."""
    names, lists = relations(
        """\
root: {table: shop.product, fields: [sku]}
embed:
  names: {many: shop.translation, on: product_id, map_by: language, value: upper_name,
          computed: {upper_name: upper(name)}}
  lists: {many: shop.product_tag, on: product_id, value: tag, map_by: since,
          embed: {tag: {one: shop.tag, on: tag_id, fields: [label]}}}
"""
    )

    assert (names.value, names.map_by) == ("upper_name", "language")
    assert (lists.value, lists.map_by) == ("tag", "since")
