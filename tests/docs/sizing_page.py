"""
`docs/sizing.md`, its tables made from the arithmetic.

What people wrote between the tables stays.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.sizing import checks, limits, printed
from benchmarks.sizing.__main__ import read
from benchmarks.sizing.demand import Plan, Workload, plan

PAGE = Path(__file__).parents[2] / "docs" / "sizing.md"
#: Changes a second and documents of the columns.
SCALES = ((10_000, 20_000_000), (100_000, 200_000_000), (1_000_000, 2_000_000_000))
EXAMPLE = (
    "python -m benchmarks.sizing --changes 2000 --documents 3000000 --document-bytes 2500 --rows 40000000"
    " --tables 6 --depth 2 --references 8 --keyed-hours 48"
)
_BLOCK = re.compile(r"(<!-- (\w+): begin, made by tests/docs/sizing_page.py -->\n).*?(<!-- \2: end -->)", re.DOTALL)


def blocks() -> dict[str, str]:
    """`{name: text}` of what is made."""
    plans = [plan(Workload(changes, documents)) for changes, documents in SCALES]
    return {
        "scales": printed.plan_table(plans),
        "limits": _remedies(plans),
        "units": printed.unit_table(),
        "checks": checks.table(),
        "example": f"```console\n$ {EXAMPLE}\n{printed.text(plan(read(EXAMPLE.split()[3:])))}```",
    }


def _remedies(plans: list[Plan]) -> str:
    found = sorted(limits.limits(plans[0]), key=lambda limit: (limit.added, limit.what))
    rows = [f"| {limit.what} | {'add more' if limit.added else 'design anew'} | {limit.remedy} |" for limit in found]
    return "\n".join(["| when this is too little | | do |", "|---|---|---|", *rows])


def page() -> str:
    """The page with the tables of now."""
    made = blocks()
    return _BLOCK.sub(lambda found: f"{found[1]}{made[found[2]]}\n{found[3]}", PAGE.read_text(encoding="utf-8"))
