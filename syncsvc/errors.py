"""
What a user is told when something is wrong: code, place, what, fix.

Everything in the package may import this module; it imports nothing of ours.  The type of an error says who acts
and fixes the exit code of the command: `UsageFault` the person who wrote the mapping or the command line,
`Drift` the person who changed a mapping or a topic under a running generation, `Unreachable` whoever runs the
surroundings, `CheckFailed` whoever reads the report.  An error never quotes the content of a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, as data; a report shows all of them at once."""

    #: Dotted and stable, for example `mapping.unknown_key`.
    code: str
    #: `file:line:column`, `topic[partition]@offset`, a setting's name or an address.
    where: str
    what: str
    #: What to do about it; never empty.
    fix: str

    def render(self) -> str:
        """Three lines: place and code, what, fix."""
        return f"{self.where}  {self.code}\n  {self.what}\n  fix: {self.fix}"

    def as_dict(self) -> dict[str, str]:
        """`{code, where, what, fix}`, for `--output json`."""
        return {"code": self.code, "where": self.where, "what": self.what, "fix": self.fix}


class SyncError(Exception):
    """An expected failure: ends a command with its exit code and its problems, without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *, code: str, where: str, what: str, fix: str) -> None:
        super().__init__(what)
        self.problems: tuple[Problem, ...] = (Problem(code, where, what, fix),)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> SyncError:
        """One error that carries all problems found; there must be at least one."""
        found = tuple(problems)
        first = found[0]
        error = cls(code=first.code, where=first.where, what=first.what, fix=first.fix)
        error.problems = found
        return error

    def __str__(self) -> str:
        return "\n".join(problem.render() for problem in self.problems)


class CheckFailed(SyncError):
    """A check ran and found a difference."""

    exit_code = 1


class UsageFault(SyncError):
    """The mapping or the command line is wrong."""

    exit_code = 2


class Drift(SyncError):
    """What exists differs from what the generation was made with."""

    exit_code = 3


class Unreachable(SyncError):
    """A server is not there, refuses us, or cannot do what is needed."""

    exit_code = 4
