"""What a person is shown of a failing case: mapping in short, events one a line, the command that replays it."""

from __future__ import annotations

from collections.abc import Iterator

from syncsvc.mapping.model import Computed, Embed, Field
from tests.simulation.minimal import FAULTS, Recipe, failure


def mapping(recipe: Recipe) -> Iterator[str]:
    """The pipeline of a case, a line a relation."""
    for pipeline in recipe.case().shape.pipeline.each():
        root = pipeline.root
        where = f" where {root.where.text}" if root.where else ""
        yield f"{pipeline.collection}: {root.table} ({', '.join(root.key)}){where}: {_fields(root.fields)}"
        yield from _computed(pipeline.computed, "  ")
        yield from _relations(pipeline.embed, "  ")


def _relations(embeds: tuple[Embed, ...], indent: str) -> Iterator[str]:
    for embed in embeds:
        joined = " and ".join(
            f"{child} = parent's {parent}"
            for child, parent in zip(embed.child_columns, embed.parent_columns, strict=True)
        )
        words = [f"{embed.name}: {embed.kind} {embed.table} by {joined}"]
        words += [f"where {embed.where.text}"] if embed.where else []
        words += [f"when {embed.when.text}"] if embed.when else []
        if embed.order_by:
            words.append("order " + ", ".join(f"{t.column} desc" if t.descending else t.column for t in embed.order_by))
        words += [f"limit {embed.limit}"] if embed.limit else []
        words += [f"value {embed.value}"] if embed.value else []
        words += [f"map_by {embed.map_by}"] if embed.map_by else []
        words += [word for word in ("merge", "required") if getattr(embed, word)]
        words += [embed.on_parent_delete] if embed.on_parent_delete != "orphan" else []
        yield f"{indent}{', '.join(words)}: {_fields(embed.fields)}"
        yield from _computed(embed.computed, indent + "  ")
        yield from _relations(embed.embed, indent + "  ")


def _computed(values: tuple[Computed, ...], indent: str) -> Iterator[str]:
    for value in values:
        yield f"{indent}{value.name} = {value.expression.text}{' (of the row)' if value.of_row else ''}"


def _fields(fields: tuple[Field, ...]) -> str:
    return " ".join(f.column if f.column == f.name else f"{f.column} as {f.name}" for f in fields) or "(no fields)"


def story(recipe: Recipe) -> Iterator[str]:
    """The whole of it."""
    made = recipe.case()
    found = failure(recipe)
    yield from mapping(recipe)
    yield "events:"
    for event in made.played().events:
        if event.table in made.shape.pipeline.tables:
            yield f"  {event} [{event.partition}]"
    there = [name for name in FAULTS if getattr(made.faults, name)]
    yield f"faults: {', '.join(there + [f'{name}={value}' for name, value in made.limits.items()]) or 'none'}"
    yield found[1] if found else "converged"
    yield f"replay: python -m tests.simulation.soak {recipe}"
