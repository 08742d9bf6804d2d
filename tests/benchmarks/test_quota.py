"""A worker's share of the cores, as a container has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import quota
from syncsvc.errors import UsageFault


@pytest.mark.parametrize(
    ("mounted", "file", "text"),
    [("cpu", "cpu.cfs_quota_us", "40000"), ("", "cpu.max", "40000 100000")],
    ids=["version-1", "version-2"],
)
def test_a_group_bounds_the_cores_of_what_enters_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: str, file: str, text: str
) -> None:
    """Both versions of control groups, by the files the kernel documents; the period is Kubernetes' own."""
    (tmp_path / mounted).mkdir(exist_ok=True)
    monkeypatch.setattr(quota, "ROOT", tmp_path)

    group = quota.make(0.4)
    quota.enter(group)

    assert group.parent == tmp_path / mounted
    assert (group / file).read_text() == text
    assert (group / "cgroup.procs").read_text() == str(os.getpid())


def test_where_no_group_can_be_made_it_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rights, or without Linux, a measurement with a bound is refused instead of being none."""
    monkeypatch.setattr(quota, "ROOT", Path("/proc"))

    with pytest.raises(UsageFault, match=r"bench\.no_quota"):
        quota.make(0.5)
