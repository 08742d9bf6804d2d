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
#: Grades from good to bad; what is not known counts as worse than late, and a number says more than no number.
ORDER = ("fresh", "within", "late", "unknown", "bad")
#: Of a pipeline that does not meet its objective.
BEHIND = {"late": "behind", "bad": "far behind", "unknown": "not known to be up to date"}
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


def coarse(seconds: float) -> str:
    """
    Without anything that changes every second.

    >>> coarse(12), coarse(200), coarse(7400)
    ('under a minute', '3 min', '2 h 3 min')
    """
    return "under a minute" if seconds < 60 else duration(seconds // 60 * 60)


def short(seconds: float | None) -> str:
    """
    A latency: two digits are all a histogram knows.

    >>> short(0.00123), short(0.0345), short(0.678), short(12.34), short(None)
    ('1.2 ms', '35 ms', '680 ms', '12 s', '\u2013')
    """
    if seconds is None:
        return "\u2013"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{float(f'{seconds * 1000:.2g}'):.0f} ms" if seconds < 1 else duration(seconds)


def rate(per_second: float | None) -> str:
    """
    Something a second; a dash when not known.

    >>> rate(0), rate(0.25), rate(1234.5)
    ('0', '0.2', '1\u2009234')
    """
    if per_second is None:
        return "\u2013"
    return f"{per_second:.1f}" if 0 < per_second < 10 else count(round(per_second))


def plural(number: int, noun: str) -> str:
    """
    A number of things.

    >>> plural(1, "key"), plural(1200, "key")
    ('1 key', '1\u2009200 keys')
    """
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


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
