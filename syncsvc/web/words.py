"""Numbers as people read them."""

from __future__ import annotations

#: What a grade says, see `grade`.
GRADES = {
    "fresh": "up to date",
    "within": "within the objective",
    "late": "late",
    "bad": "very late",
    "unknown": "unknown",
}
_STEPS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def duration(seconds: float) -> str:
    """
    Two units at most.

    >>> [duration(x) for x in (0.04, 7.25, 203, 7380, 90000)]
    ['40 ms', '7.2 s', '3 min 23 s', '2 h 3 min', '1 d 1 h']
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for size, unit, part, part_unit in _STEPS:
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {unit} {rest // part} {part_unit}" if rest // part else f"{whole} {unit}"
    raise AssertionError("unreachable: every value from 60 on has a step")


def count(number: int | None) -> str:
    """
    With thin spaces between thousands; a dash when not known.

    >>> count(1234567), count(None)
    ('1\\u2009234\\u2009567', '\\u2013')
    """
    return "\u2013" if number is None else f"{number:,}".replace(",", "\u2009")


def freshness(seconds: float | None) -> str:
    """`up to date`, an age, or `unknown`: never a number for what is not known."""
    if seconds is None:
        return "unknown"
    return "up to date" if seconds == 0 else duration(seconds)


def grade(seconds: float | None, objective_seconds: float) -> str:
    """
    One of `unknown`, `fresh` (proven caught up), `within`, `late`, `bad` (ten times the objective).

    >>> [grade(x, 10) for x in (None, 0, 10, 11, 101)]
    ['unknown', 'fresh', 'within', 'late', 'bad']
    """
    if seconds is None:
        return "unknown"
    if seconds == 0:
        return "fresh"
    if seconds <= objective_seconds:
        return "within"
    return "late" if seconds <= 10 * objective_seconds else "bad"
