"""
What `syncsvc verify` found, as a file for the textfile collector of Prometheus' node exporter.

A command that ends cannot be scraped; the file stays.  It holds the last run of each pipeline, and the last one that
found everything equal, which is taken over from the file that was there.  A file that is not of ours is not replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from syncsvc.errors import UsageFault

_OF = ("pipeline", "collection")
_DOCUMENTS, _SUCCESS = "syncsvc_verify_documents", "syncsvc_verify_last_success_timestamp_seconds"
_RUN, _SECONDS = "syncsvc_verify_last_run_timestamp_seconds", "syncsvc_verify_duration_seconds"
#: What became of a document: as it should be, other content, not there, or there without a row.
RESULTS = ("match", "mismatch", "missing", "extra")
#: `{name: (labels, help)}` of everything in the file.
FAMILIES: Mapping[str, tuple[tuple[str, ...], str]] = {
    _DOCUMENTS: ((*_OF, "result"), f"Documents of the last run by result: {', '.join(RESULTS)}."),
    _RUN: (_OF, "When the last run ended, Unix seconds."),
    _SUCCESS: (_OF, "When the last run ended that found everything equal, Unix seconds; absent before the first."),
    _SECONDS: (_OF, "How long the last run took."),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One collection, compared."""

    pipeline: str
    collection: str
    #: Documents for each of `RESULTS`.
    documents: Mapping[str, int]
    #: When it ended, Unix seconds, and how long it took.
    at: float
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether every document is as it should be, and there is no other."""
        return not any(self.documents[result] for result in RESULTS if result != "match")


class _Outcomes(Collector):
    def __init__(self, outcomes: Iterable[Outcome], successes: Mapping[tuple[str, str], float]) -> None:
        self._outcomes, self._successes = list(outcomes), dict(successes)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families of the file."""
        made = {name: GaugeMetricFamily(name, text, labels=labels) for name, (labels, text) in FAMILIES.items()}
        for one in self._outcomes:
            of = (one.pipeline, one.collection)
            for result in RESULTS:
                made[_DOCUMENTS].add_metric((*of, result), one.documents[result])
            made[_RUN].add_metric(of, one.at)
            made[_SECONDS].add_metric(of, one.seconds)
            if (success := one.at if one.equal else self._successes.get(of)) is not None:
                made[_SUCCESS].add_metric(of, success)
        yield from made.values()


def check(path: Path) -> None:
    """
    See before a long run that the file can be written, and is ours if it is there.

    Raises:
        UsageFault: `verify.metrics_file`.
    """
    if not path.name.endswith(".prom"):
        raise _refused(path, "the textfile collector reads files that end in .prom", "name it like that")
    if not path.parent.is_dir():
        raise _refused(path, "its folder does not exist", "make the folder, or name the collector's")
    _successes(path)


def write(path: Path, outcomes: Iterable[Outcome]) -> None:
    """
    Replace the file in one step: a scrape sees the old one or the new one.

    Raises:
        UsageFault: `verify.metrics_file`.
    """
    registry = CollectorRegistry()
    registry.register(_Outcomes(outcomes, _successes(path)))
    try:
        write_to_textfile(str(path), registry)
        path.chmod(0o644)  # the collector is another user
    except OSError as error:
        fix = "give this user the right to its folder"
        raise _refused(path, f"it cannot be written: {error.strerror}", fix) from None


def table() -> str:
    """The table of the reference page, a row for each metric."""
    rows = [f"| `{name}` | {', '.join(labels)} | {text} |" for name, (labels, text) in FAMILIES.items()]
    return "\n".join(["| metric | labels | meaning |", "|---|---|---|", *rows]) + "\n"


def _successes(path: Path) -> dict[tuple[str, str], float]:
    """`{(pipeline, collection): when it was last equal}` of the file that is there."""
    found: dict[tuple[str, str], float] = {}
    try:
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            if family.name not in FAMILIES:
                raise _refused(path, f"it holds {family.name}, which is not ours", "name a file of its own")
            if family.name == _SUCCESS:
                found |= {(one.labels[_OF[0]], one.labels[_OF[1]]): one.value for one in family.samples}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror}", "give this user the right to it") from None
    except ValueError:
        raise _refused(path, "it is there and holds no metrics", "name a file of its own") from None
    return found


def _refused(path: Path, what: str, fix: str) -> UsageFault:
    return UsageFault(code="verify.metrics_file", where=f"--metrics {path}", what=what, fix=fix)
