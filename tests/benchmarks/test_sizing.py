"""docs/sizing.md is what the arithmetic prints, and the arithmetic is that of the service."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from benchmarks.sizing import checks, units
from benchmarks.sizing.demand import Workload, keyed_records, lookers, marks, plan, written
from benchmarks.sizing.limits import breaks_first, limits
from syncsvc.mapping.declaration import _PARTITIONS
from syncsvc.routing import deletions, memory
from syncsvc.state import segments, sweep
from tests.assembly.bench import Bench
from tests.benchmarks.test_work import BOUNDS
from tests.docs import sizing_page
from tests.routing.tables import MEETING

ROOT = Path(__file__).parents[2]
MEETUP = Workload(10_000, 20_000_000)


def test_every_table_of_the_arithmetic_is_on_the_page() -> None:
    """That they are up to date is held for all pages by tests/docs/test_pages.py."""
    text = sizing_page.PAGE.read_text(encoding="utf-8")

    assert {block for block in sizing_page.blocks() if f"<!-- {block}: begin" not in text} == set()


def test_the_figures_in_the_prose_are_those_of_the_arithmetic() -> None:
    """Numbers between the tables are not left behind when a figure changes."""
    text = " ".join(sizing_page.PAGE.read_text(encoding="utf-8").split())
    few, many = (f"{lookers(partitions, MEETUP.references):.1f}" for partitions in (8, 1_024))
    cheap, dear = (f"{keyed_records(MEETUP, partitions):.1f}" for partitions in (8, 1_024))
    small, large = (marks(partitions, MEETUP.all_source_partitions, 1) for partitions in (8, 1_024))

    assert f"look at it: {few} of 8, {many} of 1,024 for {MEETUP.references:g} documents" in text
    assert f"{cheap} with 8 partitions, {dear} with 1,024" in text
    assert f"{small} with 8 partitions, {large / 1e6:.1f} million with 1,024" in text


def test_a_deleted_row_leaves_as_much_behind_as_the_page_says() -> None:
    """Counted in the state of a router that has seen a thousand rows come and go; a queue's day follows from it."""
    bench = Bench()
    for number in range(1_000_000, 1_001_000):
        bench.put(MEETING, id=number, title="t")
        bench.delete(MEETING, id=number, title="t")
    state = bench._routers[MEETING]._state
    left = [*state.scan(memory.ROW), *state.scan(deletions.DELETED)]
    text = " ".join(sizing_page.PAGE.read_text(encoding="utf-8").split())
    a_day = 100 * 86_400 / 1e9
    stored, cached = a_day * units.GONE_BYTES.value * units.SEGMENTS.value, a_day * units.GONE_CACHE_BYTES.value

    assert (len(left), round(len(segments.encode(dict(left))) / 1_000)) == (2_000, units.GONE_BYTES.value)
    assert f"{units.GONE_BYTES.value} B of state" in text
    assert f"{stored:.2f} GB in MongoDB and {cached:.2f} GB on the workers' disks" in text


def test_the_command_of_the_page_prints_what_stands_below_it() -> None:
    """Whoever types the example sees the example, with nothing installed but Python."""
    _, *words = sizing_page.EXAMPLE.split()
    printed = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys, runpy; sys.path.insert(0, {str(ROOT)!r}); "
         f"sys.argv = {['', *words[2:]]!r}; runpy.run_module('benchmarks.sizing', run_name='__main__')"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert printed.stdout
    assert f"$ {sizing_page.EXAMPLE}\n{printed.stdout}" in sizing_page.PAGE.read_text(encoding="utf-8")


def test_it_needs_nothing_but_the_standard_library() -> None:
    """Sizes can be had before anything is installed."""
    named = set()
    for path in (ROOT / "benchmarks/sizing").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                named |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                named.add(".".join((node.module or "").split(".")[:2]))

    assert named - sys.stdlib_module_names - {"benchmarks.sizing", "collections.abc"} == set()


@pytest.mark.parametrize("run", checks.RUNS, ids=lambda run: run.what)
def test_the_costs_of_the_stages_add_up_to_whole_runs(run: checks.Run) -> None:
    """What was measured stage by stage foretells what whole runs took, within a fifth."""
    assert run.planned_seconds == pytest.approx(run.measured_seconds, rel=0.2)


def test_the_work_of_a_record_is_that_which_the_guard_counts() -> None:
    """When a change makes a record cheaper or dearer, the page is computed anew from the new counts."""
    counted = {(bound.part, bound.what): bound.today for bound in BOUNDS}
    for part, run in zip(("copy", "changes"), checks.RUNS, strict=True):
        assert run.keyed == counted[part, "keyed records"]
        assert run.entries == pytest.approx(counted[part, "put"] + counted[part, "delete"], abs=0.001)
    bytes_each = counted["changes", "keyed bytes"] / counted["changes", "keyed records"]

    assert units.KEYED_BYTES.value == pytest.approx(bytes_each, rel=0.01)


def test_the_limits_are_those_of_the_code() -> None:
    """Partitions of a topic, the state's growth and the pod's volume are what they are elsewhere."""
    documents = yaml.safe_load_all((ROOT / "deploy/k8s/base/stateful-set.yaml").read_text())
    (volume,) = (
        volume for document in documents if document["kind"] == "StatefulSet"
        for volume in document["spec"]["template"]["spec"]["volumes"] if volume["name"] == "state"
    )  # fmt: skip

    assert units.MOST_PARTITIONS.value == _PARTITIONS.most
    assert units.SEGMENTS.value == sweep.SWEEP_RATIO
    assert f"{units.CACHE_LIMIT.value:g}Gi" == volume["emptyDir"]["sizeLimit"]


def test_partitions_and_workers_agree_with_each_other() -> None:
    """More partitions cost more records, which may need more workers: the plan is one in which both are enough."""
    for changes in (10, 1_000, 20_000, 100_000, 400_000):
        found = plan(Workload(changes, 100_000_000))

        assert found.partitions >= min(1_024, 4 * found.workers)
        assert found.cores <= found.workers * units.BUSY.value
        assert found.keyed == keyed_records(found.load, found.partitions)


def test_a_larger_load_never_takes_less() -> None:
    """Twice the changes take at least as many of everything."""
    plans = [plan(Workload(1_000 * 2**power, 20_000_000)) for power in range(8)]
    for one, other in itertools.pairwise(plans):
        for name in ("partitions", "workers", "writes", "mongod_cores", "keyed_megabytes", "brokers"):
            assert getattr(other, name) >= getattr(one, name), name


def test_few_documents_that_change_often_are_written_once_a_window() -> None:
    """A hundred documents are at most a thousand writes a second, whatever comes in; millions are written each time."""
    assert written(replace(MEETUP, documents=100)) == pytest.approx(1_000)
    assert written(replace(MEETUP, documents=10**9)) == pytest.approx(10_000 * (0.9 + 0.035 + 2.2), rel=0.001)


def test_what_breaks_first_is_what_cannot_simply_be_added() -> None:
    """Workers and brokers never are the answer; a small load breaks nothing."""
    assert breaks_first(plan(Workload(500, 1_000_000))) is None
    first = breaks_first(plan(Workload(100_000, 200_000_000)))
    assert first is not None
    assert not first.added
    assert first.times == max(limit.times for limit in limits(plan(Workload(100_000, 200_000_000))) if not limit.added)
