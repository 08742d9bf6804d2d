"""Tables from several servers: each is asked where its changes come from."""

from __future__ import annotations

import pytest

from syncsvc.errors import UsageFault
from syncsvc.mapping import load_text
from syncsvc.settings import read
from syncsvc.source import servers

TWO_SERVERS = """
pipeline: orders
source: {topic_prefix: shop}
root: {table: shop.order, key: id, fields: [total]}
embed:
  customer: {one: crm.customer, on: customer_id, fields: [name]}
tables:
  shop.order: {key: id, columns: {id: int, total: int, customer_id: int}}
  crm.customer: {topic_prefix: crm, key: id, columns: {id: int, name: varchar(50)}}
"""


def test_tables_stand_with_the_prefix_of_their_topics() -> None:
    """The one of the mapping, or one of their own."""
    pipeline = load_text(TWO_SERVERS, "orders.yaml")

    assert {prefix: list(tables) for prefix, tables in servers.tables_by_prefix(pipeline).items()} == {
        "crm": ["crm.customer"],
        "shop": ["shop.order"],
    }
    assert servers.prefixes([pipeline]) == ["crm", "shop"]
    assert pipeline.source_topic("crm.customer") == "crm.crm.customer"


def test_one_dsn_serves_every_prefix() -> None:
    """Two connectors may read one server."""
    settings = read({"SYNCSVC_SOURCE_DSN": "mysql://u:p@h/shop"})

    assert servers.dsn(settings, "shop") == servers.dsn(settings, "crm") == "mysql://u:p@h/shop"


def test_a_prefix_without_a_dsn_is_refused_by_name() -> None:
    """Where DSNs are given by prefix, none is guessed."""
    settings = read({"SYNCSVC_SOURCE_DSN": "shop=mysql://u:p@h/shop"})

    assert servers.dsn(settings, "shop") == "mysql://u:p@h/shop"
    with pytest.raises(UsageFault, match="crm") as fault:
        servers.dsn(settings, "crm")
    assert fault.value.problems[0].code == "source.no_dsn"
