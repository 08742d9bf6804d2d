"""
What a check found: its state, where, what, and the fix.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from syncsvc.errors import Problem, SyncError


class State(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    #: It works now, and will hurt some day or under load.
    WARN = "warn"
    #: Changes are lost or documents are not written, now or at the next restart.
    FAIL = "fail"
    #: The server was not there to be asked.
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check at one place."""

    state: State
    #: Dotted and stable, for example `source.binlog`; the first part is the area.
    check: str
    #: A server, a topic, a setting; never a password.
    where: str
    what: str
    #: What to do; empty only when the state is ok.
    fix: str = ""

    @property
    def area(self) -> str:
        """`source`, `connector`, `registry`, `kafka`, `mongo` or `local`."""
        return self.check.partition(".")[0]

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return asdict(self) | {"area": self.area}


def ok(check: str, where: str, what: str) -> Finding:
    """As it should be."""
    return Finding(State.OK, check, where, what)


def warn(check: str, where: str, what: str, fix: str) -> Finding:
    """Not as it should be, and nothing is lost by it."""
    return Finding(State.WARN, check, where, what, fix)


def fail(check: str, where: str, what: str, fix: str) -> Finding:
    """Something is lost or stands still by it."""
    return Finding(State.FAIL, check, where, what, fix)


def failed(area: str, problems: Iterable[Problem]) -> list[Finding]:
    """Problems that other parts of syncsvc would refuse to start with."""
    return [fail(_in(area, problem.code), problem.where, problem.what, problem.fix) for problem in problems]


def of_error(area: str, error: SyncError) -> list[Finding]:
    """What ended a look at a server: nobody answers, or it answers and cannot be used."""
    return [
        Finding(
            State.UNREACHABLE if problem.code.endswith(".unreachable") else State.FAIL,
            _in(area, problem.code), problem.where, problem.what, problem.fix,
        )
        for problem in error.problems
    ]  # fmt: skip


def _in(area: str, code: str) -> str:
    """A problem's code as a check of the area: `topic.partitions` of Kafka is `kafka.topic.partitions`."""
    return code if code.startswith(f"{area}.") else f"{area}.{code}"
