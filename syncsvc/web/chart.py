"""
Small charts as SVG, drawn here and not in the browser: they work without a script and are tested as text.

Only attributes, no styles: the content security policy allows nothing inline.  What is not known is a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

#: Drawing units; the SVG is stretched to its box, lines keep their width.
WIDTH, HEIGHT = 300, 60


def spark(values: Sequence[float | None], *, label: str, span: int, mark: float | None = None) -> str:
    """
    A line with the area under it.

    Args:
        values: a second apart, newest last; None: not known.
        label: what the chart says, for who cannot see it.
        span: number of samples the width stands for.
        mark: value of a dashed line (an objective); None: no line.

    Returns:
        One `<svg>` element, with a line of text over it when nothing is known.
    """
    top = top_of(values, mark)
    lines, areas = "", ""
    for run in _runs(values):
        first = span - len(values) + run[0][0]
        points = [f"{_x(first + i, span)} {_y(value, top)}" for i, (_, value) in enumerate(run)]
        lines += "M" + "L".join(points if len(points) > 1 else points * 2)
        areas += f"M{_x(first, span)} {HEIGHT}L{'L'.join(points)}L{_x(first + len(run) - 1, span)} {HEIGHT}Z"
    at = "" if mark is None else f'<path class="mark" d="M0 {_y(mark, top)}L{WIDTH} {_y(mark, top)}"/>'
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}"><path class="area" d="{areas}"/><path class="line" d="{lines}"/>{at}</svg>'
        + ("" if lines else '<p class="nothing">not known yet</p>')
    )


#: The scale of `bar`: powers of ten from 1 ms to 100 s.
LEAST_SECONDS, DECADES, BAR_WIDTH = 0.001, 5, 150


def bar(median: float, high: float, highest: float) -> str:
    """A band from the median to the highest of three quantiles on a logarithmic scale, with a tick at each."""
    first, second, last = (_log(seconds) for seconds in (median, high, highest))
    grid = "".join(f'<path class="grid" d="M{BAR_WIDTH * n / DECADES:.0f} 0V12"/>' for n in range(DECADES + 1))
    return (
        f'<svg class="bar" viewBox="0 0 {BAR_WIDTH} 12" preserveAspectRatio="none" aria-hidden="true">{grid}'
        f'<rect class="tail" x="{first}" y="4" width="{last - first:.1f}" height="4"/>'
        f'<rect class="band" x="{first}" y="4" width="{second - first:.1f}" height="4"/>'
        f'<path class="tick" d="M{first} 1V11"/></svg>'
    )


def _log(seconds: float) -> float:
    decades = math.log10(max(seconds, LEAST_SECONDS) / LEAST_SECONDS)
    return round(BAR_WIDTH * min(decades / DECADES, 1.0), 1)


def top_of(values: Sequence[float | None], mark: float | None = None) -> float:
    """Value at the upper edge: the largest one, or a fifth over the mark when that is more; at least 10."""
    return max([10.0, *(value for value in values if value is not None), *([mark * 1.2] if mark else [])])


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Stretches of known values, as `(index, value)`."""
    run: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is not None:
            run.append((index, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _x(index: int, span: int) -> str:
    return f"{index * WIDTH / max(1, span - 1):.1f}"


def _y(value: float, top: float) -> str:
    # Two units stay free above and below, so that a line at the edge is not cut in half.
    return f"{HEIGHT - 2 - (HEIGHT - 4) * value / top:.1f}"
