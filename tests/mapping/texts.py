"""A small complete mapping as text, and one step to break it at a known place."""

from __future__ import annotations

import re
from pathlib import Path

from syncsvc.errors import Problem, UsageFault
from syncsvc.mapping import load_text
from syncsvc.mapping.model import Pipeline

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"

#: Everything optional is left out; `broken` replaces one piece of it.
ORDERS = """\
pipeline: orders
source: {topic_prefix: shop}
root:
  table: shop.order
  fields: [status, total]
embed:
  lines:
    many: shop.line
    on: order_id
    fields: [id, amount]
    embed:
      product:
        one: shop.product
        on: product_id
        fields: [name]
computed:
  line_count: {count: lines}
tables:
  shop.order:
    key: id
    columns:
      id: int unsigned
      status: varchar(20)
      total: decimal(12,2)
  shop.line:
    key: id
    columns:
      id: bigint unsigned
      order_id: int unsigned
      product_id: int null
      amount: int
  shop.product:
    key: id
    columns:
      id: int
      name: varchar(100)
"""


def broken(old: str, new: str) -> str:
    """`ORDERS` with its first `old` replaced; `old` must be there."""
    assert old in ORDERS, old
    return ORDERS.replace(old, new, 1)


def problems_of(text: str) -> list[Problem]:
    """What loading tells, in its order; [] for a good mapping."""
    try:
        load_text(text, "orders.yaml")
    except UsageFault as fault:
        return list(fault.problems)
    return []


def places_of(text: str) -> list[tuple[str, str]]:
    """`(line:column, code)` of each problem."""
    return [(problem.where.removeprefix("orders.yaml:"), problem.code) for problem in problems_of(text)]


#: `{table: its declaration}` of a larger shop, for mappings that are written as their head only.
SHOP = {
    "shop.order": "{key: id, columns: {id: int, customer_id: int, status: varchar(20), total: 'decimal(12,2)', "
    "placed_at: datetime(3), paid: tinyint(1), state: \"enum('open','it''s paid')\", weight: double}}",
    "shop.line": "{key: id, columns: {id: bigint, order_id: int, product_id: int null, amount: int, "
    "price: 'decimal(12,2)', note: varchar(50) null}}",
    "shop.customer": "{key: id, columns: {id: int, name: varchar(100), country: char(2), blocked: tinyint(1)}}",
    "shop.product": "{key: id, columns: {id: int, sku: varchar(40), name: varchar(100), category_id: int null}}",
    "shop.translation": "{key: [product_id, language], columns: {product_id: int, language: char(2), "
    "name: varchar(100), kind: tinyint(1), shape: json null, born: date, seen: datetime(6) as micros}}",
    "shop.tag": "{key: id, columns: {id: int, label: varchar(40)}}",
    "shop.product_tag": "{key: [product_id, tag_id], columns: {product_id: int, tag_id: int, since: date}}",
    "shop.category": "{key: id, columns: {id: int, parent_id: int null, name: varchar(100)}}",
    "shop.note": "{key: id, columns: {id: int, about_type: varchar(20), about_id: int, kind: int, body: text}}",
    "shop.stock": "{key: [shop_id, product_id], columns: {shop_id: int, product_id: int, shelf_id: int, amount: int}}",
    "shop.shelf": "{key: [shop_id, shelf_id], columns: {shop_id: int, shelf_id: int, name: varchar(20)}}",
}

#: Heads that show every shape and option once, for properties that hold for every mapping.
HEADS = [
    "root: {table: shop.order, where: \"status <> 'draft' and paid\", fields: [{total: sum}]}\n",
    """\
publish: direct
write: merge
root: {table: shop.order}
embed:
  lines:
    many: shop.line
    on: order_id
    where: amount > 0
    when: status in ('open', 'paid')
    order_by: [price desc, id]
    limit: 10
    on_parent_delete: cascade
    fields: [amount]
    computed: {cost: amount * price}
    embed: {product: {one: shop.product, on: product_id, required: true, value: sku, fields: [sku]}}
  customer: {one: shop.customer, on: customer_id, where: not blocked, merge: true, fields: [name]}
computed:
  n: {count: lines}
  cost: sum(lines, cost)
  greeting: concat('Dear ', name)
  answer: 42
""",
    """\
root: {table: shop.product, fields: [sku]}
embed:
  names: {many: shop.translation, on: product_id, map_by: language, value: name, fields: [name]}
  tags:
    many: shop.product_tag
    on: product_id
    value: label
    embed: {tag: {one: shop.tag, on: tag_id, merge: true, required: true, fields: [label]}}
""",
    """\
root: {table: shop.category, fields: [name]}
embed: {below: {many: shop.category, on: parent_id, depth: 3, fields: [id, name]}}
""",
    """\
root: {table: shop.note, fields: [body]}
embed:
  about:
    switch: about_type
    cases:
      order: {one: shop.order, on: about_id, where: paid, fields: [status], computed: {big: total > 100}}
      5: {one: shop.product, on: about_id, value: sku, fields: [sku]}
views:
  noted:
    root: {table: shop.product, where: name like 'a%', fields: [sku]}
    embed: {notes: {many: shop.note, on: about_id, where: about_type = '5', limit: 3, fields: [body]}}
    computed: {n: {count: notes}}
""",
]


def with_tables(head: str) -> str:
    """A whole mapping from its head: the tables it names, and what every file needs."""
    named = [f"  {name}: {table}\n" for name, table in SHOP.items() if re.search(rf"{re.escape(name)}\b", head)]
    source = "" if "source:" in head else "source: {topic_prefix: mart}\n"
    return f"pipeline: p\n{head}{source}tables:\n{''.join(named)}"


def loaded(head: str) -> Pipeline:
    """The pipeline that a head declares."""
    return load_text(with_tables(head), "orders.yaml")


def problem_of(head: str) -> tuple[str, str, str]:
    """`(line:column, code, fix)` of the only problem of a head."""
    (problem,) = problems_of(with_tables(head))
    return problem.where.removeprefix("orders.yaml:"), problem.code.removeprefix("mapping."), problem.fix
