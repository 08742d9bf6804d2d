"""A small complete mapping as text, and one step to break it at a known place."""

from __future__ import annotations

from pathlib import Path

from syncsvc.errors import Problem, UsageFault
from syncsvc.mapping import load_text

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
