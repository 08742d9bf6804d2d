"""What `syncsvc init` proposes for a schema, without a server: the walk along the foreign keys."""

from __future__ import annotations

import dataclasses

import pytest

from syncsvc.mapping import load_text
from syncsvc.mapping.model import Embed, Pipeline
from syncsvc.source.catalog import Catalog, Column, ForeignKey, Table
from syncsvc.source.proposal import Wishes, propose, roots, written
from syncsvc.source.proposal.design import Proposal
from syncsvc.source.proposal.naming import plural
from syncsvc.source.proposal.roots import junction


def table(name: str, columns: str, *foreign_keys: ForeignKey, key: str = "id", unique: str = "") -> Table:
    """`table("shop.line", "id int, order_id int null")`."""
    found = {}
    for text in columns.split(", "):
        column, _, column_type = text.partition(" ")
        found[column] = Column(column, column_type)
    keys = tuple(key.split()) if key else ()
    uniques = [frozenset(keys)] + ([frozenset(unique.split())] if unique else [])
    return Table(name, found, keys, tuple(uniques), foreign_keys)


def refers(columns: str, parent: str, to: str = "id", **more: object) -> ForeignKey:
    """A foreign key: `refers("order_id", "shop.order")`."""
    plain = ForeignKey("fk", tuple(columns.split()), parent, tuple(to.split()), "RESTRICT", "RESTRICT")
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


def catalog(*tables: Table, logs_cascades: bool = False) -> Catalog:
    """A server with these tables."""
    return Catalog({one.name: one for one in tables}, logs_cascades)


CUSTOMER = table("shop.customer", "id int, name varchar(50)")
ORDER = table("shop.order", "id int, customer_id int, at datetime(3)", refers("customer_id", "shop.customer"))
PRODUCT = table("shop.product", "id int, label varchar(50)")
LINE = table(
    "shop.line", "order_id int, product_id int, amount int",
    refers("order_id", "shop.order"), refers("product_id", "shop.product"), key="order_id product_id",
)  # fmt: skip
SHOP = catalog(CUSTOMER, ORDER, PRODUCT, LINE)


def proposed(known: Catalog, root: str, depth: int = 2) -> Proposal:
    """What is proposed for a root."""
    return propose(known, root, "documents", Wishes(depth, "shop"))


def loaded(known: Catalog, root: str, depth: int = 2) -> Pipeline:
    """The proposed file, read and checked as `syncsvc validate` does it."""
    return load_text(written(proposed(known, root, depth), "documents.yaml"), "documents.yaml")


def relation(pipeline: Pipeline | Embed, *names: str) -> Embed:
    """The relation on this path."""
    found = next(embed for embed in pipeline.embed if embed.name == names[0])
    return relation(found, *names[1:]) if len(names) > 1 else found


def shown(embed: Embed) -> list[str]:
    """Names of the fields."""
    return [field.name for field in embed.fields]


def test_a_foreign_key_of_the_root_becomes_one_row() -> None:
    """`customer_id` becomes `customer`, joined by its key, and the column itself does not show twice."""
    pipeline = loaded(SHOP, "shop.order")
    customer = relation(pipeline, "customer")

    assert (customer.kind, customer.table) == ("one", "shop.customer")
    assert (customer.on, customer.to) == (("customer_id",), ("id",))
    assert shown(customer) == ["id", "name"]
    assert [field.name for field in pipeline.root.fields] == ["at"]


def test_what_refers_to_the_root_becomes_a_list() -> None:
    """Under the plural of its table, and what its rows refer to hangs below."""
    orders = relation(loaded(SHOP, "shop.customer"), "orders")

    assert (orders.kind, orders.on, orders.to) == ("many", ("customer_id",), ("id",))
    assert shown(orders) == ["id", "at"]


def test_a_junction_becomes_a_list_of_what_lies_behind_it() -> None:
    """Its own columns stand beside those of the row behind it, which must be there."""
    products = relation(loaded(SHOP, "shop.order"), "products")
    behind = products.embed[0]

    assert (products.table, shown(products)) == ("shop.line", ["amount"])
    assert (behind.table, behind.merge, behind.required, shown(behind)) == ("shop.product", True, True, ["id", "label"])


def test_names_that_meet_in_a_level_are_told_apart() -> None:
    """A junction's `label` beside the product's `label` is renamed, not lost."""
    line = dataclasses.replace(LINE, columns=LINE.columns | {"label": Column("label", "varchar(9)")})
    products = relation(loaded(catalog(CUSTOMER, ORDER, PRODUCT, line), "shop.order"), "products")

    assert shown(products) == ["amount", "line_label"]


KEYED = "id int, order_id int, product_id int"
BOTH = (refers("order_id", "shop.order"), refers("product_id", "shop.product"))


@pytest.mark.parametrize(
    ("columns", "unique", "expected"),
    [
        pytest.param(KEYED, "", True, id="a key of its own, nothing else"),
        pytest.param(f"{KEYED}, at timestamp", "", True, id="and a time"),
        pytest.param(f"{KEYED}, made timestamp null, changed timestamp null", "", True, id="made and changed"),
        pytest.param(f"{KEYED}, lent datetime, back datetime null", "", False, id="a time that comes later"),
        pytest.param(f"{KEYED}, a date, b date, c date", "", False, id="three times: its own story"),
        pytest.param(f"{KEYED}, price int", "", False, id="columns of its own: a row in its own right"),
        pytest.param(f"{KEYED}, price int", "order_id product_id", True, id="columns of its own, each pair once"),
        pytest.param("id int, order_id int, product_id int null", "", False, id="one side may be missing"),
    ],
)
def test_a_junction_may_have_a_key_of_its_own(columns: str, unique: str, expected: bool) -> None:
    """If nobody refers to it and it says little more than which two rows belong together."""
    line = table("shop.line", columns, *BOTH, unique=unique)
    known = catalog(CUSTOMER, ORDER, PRODUCT, line)

    assert (junction(line, known) is not None) is expected


def test_a_table_that_others_refer_to_is_no_junction_by_its_own_key() -> None:
    """An inventory joins films and stores, but a rental refers to it."""
    line = table("shop.line", KEYED, *BOTH)
    claim = table("shop.claim", "id int, line_id int", refers("line_id", "shop.line"))

    assert junction(line, catalog(CUSTOMER, ORDER, PRODUCT, line, claim)) is None


def test_roots_are_what_others_refer_to_and_no_junctions() -> None:
    """Without --root each of them gets a file."""
    assert roots(SHOP) == ["shop.customer", "shop.order", "shop.product"]


def test_two_references_to_one_table_have_names_of_their_own() -> None:
    """Seen from both sides."""
    transfer = table(
        "bank.transfer", "id int, account_id int, target_account_id int null",
        refers("account_id", "bank.account"), refers("target_account_id", "bank.account"),
    )  # fmt: skip
    known = catalog(table("bank.account", "id int, owner varchar(9)"), transfer)

    assert [embed.name for embed in loaded(known, "bank.transfer").embed] == ["account", "target_account"]
    assert [embed.name for embed in loaded(known, "bank.account").embed] == ["transfers", "transfers_by_target_account"]


def test_a_table_that_refers_to_itself_has_two_levels_both_ways() -> None:
    """The boss, and those whose boss it is."""
    known = catalog(table("c.staff", "id int, name varchar(9), boss_id int null", refers("boss_id", "c.staff")))
    pipeline = loaded(known, "c.staff")
    text = written(proposed(known, "c.staff"), "staff.yaml")

    assert [embed.name for embed in pipeline.embed] == ["boss", "staff_by_boss"]
    assert text.count("depth: 2") == 2
    assert relation(pipeline, "boss", "boss").table == "c.staff"


def test_columns_of_a_composite_key_are_joined_pair_by_pair() -> None:
    """In the order of the key, whatever the order of the foreign key; `to` is written where it is not the key."""
    salary = table("c.salary", "emp int, since date, amount int, code int", key="emp since")
    bonus = table("c.bonus", "id int, since date, emp int", refers("since emp", "c.salary", to="since emp"))
    other = table("c.audit", "id int, code int", refers("code", "c.salary", to="code"))
    known = catalog(salary, bonus, other)

    one = relation(loaded(known, "c.bonus"), "salary")
    assert (one.on, one.to) == (("emp", "since"), ("emp", "since"))
    assert relation(loaded(known, "c.salary"), "bonuses").on == ("emp", "since")
    assert relation(loaded(known, "c.audit"), "code").to == ("code",)


def test_depth_counts_levels_of_relations() -> None:
    """One level shows the order's customer; the customer's town needs two."""
    town = table("shop.town", "id int, name varchar(9)")
    customer = table("shop.customer", "id int, town_id int", refers("town_id", "shop.town"))
    known = catalog(town, customer, ORDER)

    assert shown(relation(loaded(known, "shop.order", depth=1), "customer")) == ["id", "town_id"]
    assert relation(loaded(known, "shop.order"), "customer", "town").table == "shop.town"


def test_a_circle_of_references_ends_where_it_began() -> None:
    """A store has a manager who belongs to a store: the second store is not entered again."""
    store = table("s.store", "id int, manager_id int", refers("manager_id", "s.staff"))
    staff = table("s.staff", "id int, store_id int", refers("store_id", "s.store"))
    pipeline = loaded(catalog(store, staff), "s.store", depth=6)

    assert relation(pipeline, "manager").embed == ()
    assert shown(relation(pipeline, "manager")) == ["id", "store_id"]


@pytest.mark.parametrize(
    ("column_type", "written_type", "said"),
    [
        pytest.param("datetime(6)", "datetime(6) as micros", "microseconds", id="finer than a BSON date"),
        pytest.param("decimal(40,2) null", "decimal(40,2) null as text", "digits as text", id="more than 34 digits"),
        pytest.param("enum('a','b: #')", "enum('a','b: #')", "", id="quotes and signs of YAML"),
        pytest.param("bigint unsigned", "bigint unsigned", "", id="nothing to add"),
    ],
)
def test_a_type_is_declared_in_a_form_that_loses_nothing(column_type: str, written_type: str, said: str) -> None:
    """Exactly as the server has it, with a form where the plain type would be refused."""
    known = catalog(Table("t.t", {"id": Column("id", "int"), "x": Column("x", column_type)}, ("id",), (), ()))

    assert loaded(known, "t.t").tables["t.t"].columns["x"] == written_type
    assert said in written(proposed(known, "t.t"), "t.yaml")


def test_a_column_that_no_form_carries_is_left_out_by_name() -> None:
    """With the reason, in the file and among the cautions."""
    known = catalog(Table("t.t", {"id": Column("id", "int"), "v": Column("v", "hologram(3)")}, ("id",), (), ()))

    assert "v" not in loaded(known, "t.t").tables["t.t"].columns
    assert "# v is left out: " in written(proposed(known, "t.t"), "t.yaml")
    assert [(caution.code, caution.where) for caution in proposed(known, "t.t").cautions] == [("init.type", "t.t.v")]


def test_the_json_of_mariadb_is_declared_as_json() -> None:
    """There it is a text with a check; declared as JSON it is a sub-document."""
    body = Column("body", "longtext null", checked_json=True)
    known = catalog(Table("t.t", {"id": Column("id", "int"), "body": body}, ("id",), (), ()))

    assert loaded(known, "t.t").tables["t.t"].columns["body"] == "json null"


def test_a_wide_column_shows_at_the_root_only() -> None:
    """Repeated in every element it would fill the document."""
    order = dataclasses.replace(ORDER, columns=ORDER.columns | {"note": Column("note", "text null")})
    known = catalog(CUSTOMER, order)

    assert "note" not in shown(relation(loaded(known, "shop.customer"), "orders"))
    assert "note" in [field.name for field in loaded(known, "shop.order").root.fields]
    assert ("init.wide", "shop.order.note") in [(one.code, one.where) for one in proposed(known, "shop.order").cautions]


def test_a_huge_list_gets_a_limit() -> None:
    """From a thousand rows a parent on, by the server's statistics."""
    order = dataclasses.replace(ORDER, foreign_keys=(refers("customer_id", "shop.customer", rows_each=5000.0),))
    known = catalog(CUSTOMER, order)

    assert relation(loaded(known, "shop.customer"), "orders").limit == 100
    assert [one.code for one in proposed(known, "shop.customer").cautions] == ["init.fan_out"]


def test_a_table_without_a_key_is_left_out() -> None:
    """Its rows cannot be told apart; the caution says so."""
    visit = table("shop.visit", "customer_id int", refers("customer_id", "shop.customer"), key="")
    known = catalog(CUSTOMER, visit)

    assert loaded(known, "shop.customer").embed == ()
    (caution,) = proposed(known, "shop.customer").cautions
    assert (caution.code, caution.where) == ("init.no_key", "shop.visit")


CASCADING = catalog(
    CUSTOMER, dataclasses.replace(ORDER, foreign_keys=(refers("customer_id", "shop.customer", on_delete="CASCADE"),))
)


def test_a_cascade_that_the_source_does_not_log_is_done_by_the_pipeline() -> None:
    """A list goes with its parent, and a row with the one it refers to."""
    assert relation(loaded(CASCADING, "shop.customer"), "orders").on_parent_delete == "cascade"
    assert relation(loaded(CASCADING, "shop.order"), "customer").on_parent_delete == "cascade"


def test_a_cascade_that_the_source_logs_is_left_to_it() -> None:
    """MySQL from 9.6: done twice it would be a race between the two."""
    known = dataclasses.replace(CASCADING, logs_cascades=True)

    assert relation(loaded(known, "shop.customer"), "orders").on_parent_delete == "orphan"
    assert relation(loaded(known, "shop.order"), "customer").on_parent_delete == "orphan"
    assert proposed(known, "shop.customer").cautions == []


def test_a_reference_that_the_source_nulls_in_silence_is_told() -> None:
    """Its old value stays until the row changes; a relation says that somebody has thought of it."""
    order = dataclasses.replace(ORDER, foreign_keys=(refers("customer_id", "x.gone", on_delete="SET NULL"),))
    codes = [one.code for one in proposed(catalog(order), "shop.order").cautions]

    assert codes == ["init.unseen_table", "init.set_null"]

    order = dataclasses.replace(ORDER, foreign_keys=(refers("customer_id", "shop.customer", on_delete="SET NULL"),))
    text = written(proposed(catalog(CUSTOMER, order), "shop.order"), "orders.yaml")
    assert "on_parent_delete: orphan" in text


def test_names_that_yaml_or_mongodb_would_misread_are_quoted_or_renamed() -> None:
    """A column `on`, one with a dot, one in front of which stands a $, one that is called _id."""
    names = ("on", "a.b", "$c", "_id", "null", "Größe", "a # b", "1")
    columns = {"id": Column("id", "int")} | {name: Column(name, "int null") for name in names}
    pipeline = loaded(catalog(Table("t.yes", columns, ("id",), (), ())), "t.yes")

    assert [field.column for field in pipeline.root.fields] == list(names)
    shown_as = ["on", "a_b", "c", "yes__id", "null", "Größe", "a # b", "1"]
    assert [field.name for field in pipeline.root.fields] == shown_as


@pytest.mark.parametrize(
    ("one", "several"),
    [("film", "films"), ("category", "categories"), ("address", "addresses"), ("employees", "employees"),
     ("staff", "staff"), ("day", "days"), ("status", "statuses"), ("OrderLine", "OrderLines")],
)  # fmt: skip
def test_a_list_is_named_by_a_plural(one: str, several: str) -> None:
    """Plain English, and what is one already stays."""
    assert plural(one) == several


@pytest.mark.parametrize("letter", ["\x85", "\x7f", "\u2028", "\ufffe", "\x01", '"', "\\", "é"])
def test_a_name_of_any_letters_is_proposed_as_it_is(letter: str) -> None:
    """A file that YAML folds or refuses would name a column that the server does not have."""
    known = catalog(table("shop.odd", f"id int, a{letter}b int"))

    pipeline = loaded(known, "shop.odd")

    assert [field.column for field in pipeline.root.fields] == [f"a{letter}b"]
