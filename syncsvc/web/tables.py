"""The lists of a pipeline's section: partitions as a strip of cells and as a table, parked keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape as _text

from syncsvc.telemetry.status import PartitionStatus, PipelineStatus
from syncsvc.web import words

STAGES = {"router": "from the tables", "joiner": "into the documents"}
#: Parked keys listed on the page; the rest is for the command.
MOST_PARKED = 50


def strips(pipeline: PipelineStatus) -> str:
    """One cell a partition, coloured by freshness; the table below says the same in words."""
    strips = ""
    for stage, meaning in STAGES.items():
        owned = [partition for partition in pipeline.partitions if partition.stage == stage]
        if not owned:
            continue
        grades = [words.grade(partition.freshness, pipeline.objective) for partition in owned]
        said = ", ".join(f"{number} {words.GRADES[grade]}" for grade, number in Counter(grades).items())
        # A wider gap where the topic changes, so that tables can be told apart.
        gaps = [
            "" if before.topic == partition.topic else " first"
            for before, partition in zip([owned[0], *owned], owned, strict=False)
        ]
        cells = "".join(
            f'<i class="{grade}{gap}" title="{_text(_name(partition))}: {words.freshness(partition.freshness)}"></i>'
            for partition, grade, gap in zip(owned, grades, gaps, strict=True)
        )
        strips += (
            f'<div class="strip"><h3>{stage} <span class="soft">{meaning}: {said}</span></h3>'
            f'<div class="cells" role="img" aria-label="{stage}: {said}">{cells}</div></div>'
        )
    return strips


def _name(partition: PartitionStatus) -> str:
    return f"{partition.topic}[{partition.partition}]"


def parked(pipeline: PipelineStatus, now: float) -> str:
    """The oldest parked keys with place, reason and age; nothing when there are none."""
    if not pipeline.parked:
        return ""
    shown = pipeline.parked_list[:MOST_PARKED]
    rows = "".join(
        f"<tr><th scope=row>{_text(key.where)}</th><td><code>{_text(key.reason)}</code></td>"
        f"<td class=n>{words.duration(max(0.0, now - key.since))}</td></tr>"
        for key in shown
    )
    more = f" The oldest {len(shown)} are shown." if len(shown) < pipeline.parked else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Parked keys">'
        f"<table><caption>Parked keys: held back until a person decides; see "
        f"<code>syncsvc parked list</code>.{more}</caption><thead><tr><th scope=col>Where</th><th scope=col>Reason</th>"
        f"<th scope=col class=n>For</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def partitions(pipeline: PipelineStatus) -> str:
    """All partitions owned here, folded away."""
    return (
        f"<details><summary>Partitions owned by this worker</summary>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Partitions"><table>'
        f'<caption class="sr">Partitions of {_text(pipeline.name)} owned by this worker'
        f"</caption><thead><tr><th scope=col>Topic</th><th scope=col class=n>Partition</th><th scope=col>Stage</th>"
        f"<th scope=col class=n>Applied</th><th scope=col class=n>End</th><th scope=col class=n>Lag</th>"
        f"<th scope=col class=n>Freshness</th><th scope=col>State</th></tr></thead>"
        f"<tbody>{''.join(_rows(pipeline.partitions, pipeline.objective))}</tbody></table></div></details>"
    )


def _rows(partitions: Iterable[PartitionStatus], objective: float) -> Iterable[str]:
    for seen in partitions:
        grade = words.grade(seen.freshness, objective)
        yield (
            f"<tr><th scope=row>{_text(seen.topic)}</th><td class=n>{seen.partition}</td><td>{_text(seen.stage)}</td>"
            f"<td class=n>{words.count(seen.applied_offset)}</td><td class=n>{words.count(seen.end_offset)}</td>"
            f"<td class=n>{words.count(seen.lag)}</td><td class=n>{words.freshness(seen.freshness)}</td>"
            f'<td><i class="dot {grade}"></i>{_text(seen.state)}</td></tr>'
        )
