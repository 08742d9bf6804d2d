"""
Run cases through the whole pure path (`flow`), in every order they allow.

A case that fails says which documents part where, in which round and in which order; whatever goes wrong inside is an
outcome too, because one case must not keep the others from running.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from syncsvc.cases import orders, source
from syncsvc.cases.difference import Difference, differences
from syncsvc.cases.orders import Arrival, Order
from syncsvc.flow import Flow
from syncsvc.mapping.case import Case, Round
from syncsvc.mapping.model import Pipeline


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one case."""

    case: Case
    #: Orders that were run, the failing one included.
    orders: int
    differences: tuple[Difference, ...] = ()
    #: What else is wrong: a record that cannot be read, an error; "" when nothing.
    error: str = ""
    #: `file:line:column` of what was expected; "" when the case passed.
    where: str = ""
    #: The changes in the order that failed, up to the failing round; () when it is the order of the file.
    order: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every order led to the documents."""
        return not (self.differences or self.error)

    def as_dict(self) -> dict[str, Any]:
        """`{name, where, passed, orders, expected_at, order, error, differences}`."""
        return {
            "name": self.case.name, "where": self.case.where, "passed": self.passed, "orders": self.orders,
            "expected_at": self.where, "order": list(self.order), "error": self.error,
            "differences": [difference.as_dict() for difference in self.differences],
        }  # fmt: skip


def run(pipeline: Pipeline, case: Case) -> Outcome:
    """
    One case; ends at the first order that fails.

    Raises:
        UsageFault: `cases.impossible`, see `source.rounds`.
    """
    rounds = source.rounds(case, pipeline.tables)
    count = 0
    for count, (order, is_given) in enumerate(_orders(case, rounds), 1):
        failed = _failure(pipeline, case, order, count, is_given=is_given)
        if failed is not None:
            return failed
    return Outcome(case, count)


def _orders(case: Case, rounds: Sequence[Sequence[source.Event]]) -> Iterator[tuple[Order, bool]]:
    for order in orders.as_given(rounds):
        yield order, True
    if case.in_any_order:
        for order in orders.any_order(rounds, case.name):
            yield order, False


def _failure(pipeline: Pipeline, case: Case, order: Order, number: int, *, is_given: bool) -> Outcome | None:
    """Run one order; None when every round led to its documents."""
    flow, arrived, error = Flow(pipeline), list[Arrival](), ""
    for expected, arrivals in zip(case.rounds, order, strict=True):
        arrived += arrivals
        try:
            for arrival in arrivals:
                event = arrival.event
                flow.put(event.table, event.key, event.value, event.timestamp_ms)
                if arrival.quiet:
                    flow.settle()
            flow.settle()
            parted = _parted(expected, flow)
            error = _parked(flow)
        except Exception as fault:  # a fault of ours is told like any other failure, with its case
            parted, error = [], f"{type(fault).__name__}: {fault}".splitlines()[0]
        if parted or error:
            told = () if is_given else tuple(_told(arrived))
            return Outcome(case, number, tuple(parted), error, expected.where, told)
    return None


def _parted(expected: Round, flow: Flow) -> list[Difference]:
    kinds = flow.plan.pipeline.each()
    return [
        replace(difference, collection=kind.collection if len(kinds) > 1 else "")
        for kind in kinds
        if kind.collection in expected.expect
        for difference in differences(expected.expect[kind.collection], flow.documents_of(kind.target_collection))
    ]


def _parked(flow: Flow) -> str:
    if not flow.parked:
        return ""
    record = flow.parked[0]
    return f"{len(flow.parked)} records cannot be read, the first: {record.place}: {record.code}: {record.what}"


def _told(arrived: Sequence[Arrival]) -> Iterator[str]:
    for arrival in arrived:
        again = "again: " if arrival.again else ""
        yield f"{again}{arrival.event.said}"
