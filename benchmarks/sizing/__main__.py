"""
What a workload takes, with any Python from 3.11: `python -m benchmarks.sizing --changes 10000 --documents 2000000`.

Everything but these two has a default, that of the meetup example; docs/sizing.md says what each means.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.sizing import printed
from benchmarks.sizing.demand import Workload, plan


def _number(least: float, most: float = 1e12) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    return read


def _whole(least: int) -> Callable[[str], int]:
    return lambda text: int(_number(least)(text))


def read(words: Sequence[str] | None = None) -> Workload:
    """The workload of a command line; without words that of the process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    share = _number(0, 1)
    parser.add_argument("--changes", type=_number(0.1), required=True, help="row changes a second at the peak hour")
    parser.add_argument("--documents", type=_whole(1), required=True, help="documents of the collection")
    parser.add_argument("--document-bytes", type=_number(1, 16e6), help="of one, as BSON")
    parser.add_argument("--rows", type=_whole(1), help="of all tables; 7 a document unless given")
    parser.add_argument("--tables", type=_whole(1), help="how many tables")
    parser.add_argument("--source-partitions", type=_whole(1), help="of all tables' topics; 8 a table unless given")
    parser.add_argument("--depth", type=_whole(0), help="levels of lookups below each other")
    parser.add_argument("--references", type=_number(0), help="documents that show a row which is looked up")
    parser.add_argument("--records", type=_number(1, 2), help="source records a change; a delete has two")
    parser.add_argument("--record-bytes", type=_number(1), help="of a source record")
    for name, what in {
        "moves": "that move a child to another document", "lookups": "to rows that others look up",
        "adds": "that begin a reference to such a row", "ends": "that end one",
    }.items():  # fmt: skip
        parser.add_argument(f"--{name}", type=share, help=f"share of changes {what}, 0 to 1")
    parser.add_argument("--keyed-hours", type=_number(0), help="SYNCSVC_KEYED_RETENTION_HOURS")
    parser.add_argument("--copies", type=_whole(1), help="of each Kafka partition")
    given = {name: value for name, value in vars(parser.parse_args(words)).items() if value is not None}
    return Workload(**given)


if __name__ == "__main__":
    sys.stdout.write(printed.text(plan(read())))
