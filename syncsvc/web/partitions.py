"""Partitions of a pipeline, over all workers: as a heat map, and as the table that says the same in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape as _text
from itertools import groupby

from syncsvc.telemetry.fleet import FleetPipeline, Owned
from syncsvc.web import words

STAGES = {"router": "from the tables", "joiner": "into the documents"}
#: Cells of one topic; above it a cell stands for several partitions and shows the worst of them.
MOST_CELLS = 128
#: Rows of the table; above it the worst are shown.
MOST_ROWS = 200
#: What is in a cell, so that colour is not the only sign.
SIGNS = {"late": "!", "bad": "\u00d7", "unknown": "?"}


def heat(one: FleetPipeline) -> str:
    """One cell a partition, one row a topic, coloured by freshness."""
    if not one.partitions:
        return '<h3>Partitions</h3><p class="soft">Nobody owns any yet.</p>'
    drawn = ""
    for stage, owned in groupby(one.partitions, key=lambda owned: owned.status.stage):
        members = list(owned)
        said = _said(members, one.whole.objective)
        rows = "".join(
            f'<div class="row"><span class="topic" title="{_text(topic)}">{_text(_short(topic, one))}</span>'
            f'<span class="cells">{_cells(list(part), one.whole.objective)}</span></div>'
            for topic, part in groupby(members, key=lambda owned: owned.status.topic)
        )
        drawn += (
            f'<div class="heat"><h3>{_text(stage)} <span class="soft">{STAGES.get(stage, "")}: {said}</span></h3>'
            f'<div role="img" aria-label="{_text(stage)}: {said}">{rows}</div></div>'
        )
    legend = "".join(
        f'<span><i class="{grade}">{SIGNS.get(grade, "")}</i>{said}</span>' for grade, said in words.GRADES.items()
    )
    return f'{drawn}<p class="legend" aria-hidden="true">{legend}</p>'


def _said(members: Sequence[Owned], objective: float) -> str:
    grades = Counter(words.grade(owned.status.freshness, objective) for owned in members)
    return ", ".join(f"{number} {words.GRADES[grade]}" for grade, number in grades.items())


def _short(topic: str, one: FleetPipeline) -> str:
    """A topic without what all topics of the pipeline begin with; the keyed one by its role."""
    if one.whole.shape is not None and topic == one.whole.shape.keyed_topic:
        return "keyed topic"
    return topic.partition(".")[2] or topic


def _cells(members: Sequence[Owned], objective: float) -> str:
    size = -(-len(members) // MOST_CELLS)
    return "".join(_cell(members[start : start + size], objective) for start in range(0, len(members), size))


def _cell(members: Sequence[Owned], objective: float) -> str:
    grades = [words.grade(owned.status.freshness, objective) for owned in members]
    worst = max(range(len(members)), key=lambda index: words.ORDER.index(grades[index]))
    grade, owned = grades[worst], members[worst]
    place = f"{owned.status.topic}[{owned.status.partition}]"
    many = f", the worst of {len(members)}" if len(members) > 1 else ""
    owner = f"owned by {owned.owner}" if owned.owner else "nobody owns it"
    orphan = " orphan" if owned.owner is None else ""
    title = f"{place}{many}: {words.freshness(owned.status.freshness)}, {owner}"
    return f'<i class="{grade}{orphan}" title="{_text(title)}">{SIGNS.get(grade, "")}</i>'


def table(one: FleetPipeline) -> str:
    """All partitions with their owners, folded away."""
    shown = one.partitions
    more = ""
    if len(shown) > MOST_ROWS:
        order = {grade: rank for rank, grade in enumerate(words.ORDER)}
        shown = tuple(sorted(shown, key=lambda o: -order[words.grade(o.status.freshness, one.whole.objective)]))
        shown, more = shown[:MOST_ROWS], f" The {MOST_ROWS} that are most behind are shown."
    name = _text(one.whole.name)
    return (
        f'<details id="d-{name}-g{one.whole.generation}"><summary>All {words.plural(len(one.partitions), "partition")}'
        f"</summary>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Partitions of {name}"><table>'
        f'<caption class="sr">Partitions of {name} and who owns them.{more}</caption><thead><tr>'
        '<th scope="col">Topic</th><th scope="col" class="n">Partition</th><th scope="col">Stage</th>'
        '<th scope="col" class="n">Applied</th><th scope="col" class="n">End</th><th scope="col" class="n">Lag</th>'
        '<th scope="col" class="n">Freshness</th><th scope="col">State</th><th scope="col">Worker</th></tr></thead>'
        f"<tbody>{''.join(_rows(shown, one.whole.objective))}</tbody></table></div></details>"
    )


def _rows(members: Sequence[Owned], objective: float) -> Iterator[str]:
    for owned in members:
        seen = owned.status
        applied = seen.applied_offset if owned.owner else None
        yield (
            f'<tr><th scope="row">{_text(seen.topic)}</th><td class="n">{seen.partition}</td>'
            f'<td>{_text(seen.stage)}</td><td class="n">{words.count(applied)}</td>'
            f'<td class="n">{words.count(seen.end_offset)}</td><td class="n">{words.count(seen.lag)}</td>'
            f'<td class="n">{words.freshness(seen.freshness)}</td>'
            f'<td><i class="dot {words.grade(seen.freshness, objective)}"></i>{_text(seen.state)}</td>'
            f"<td>{_text(owned.owner or 'nobody')}</td></tr>"
        )
