"""
Makes a failing case small: fewer steps, relations, conditions and faults, as long as it still fails in the same way.

A *recipe* says in one word what is left of the case of a seed, so that the small case runs again with one command:
`1234/steps=3,7/drop=many2,one4:where/calm=crash,lost/schedule=5`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from syncsvc.mapping.model import Computed, Embed, Pipeline
from tests.simulation.histories import History
from tests.simulation.schedule import Case, case, run
from tests.simulation.world import Faults

FAULTS = tuple(field.name for field in fields(Faults))
#: What may be taken from a relation besides the whole of it.
PARTS = ("where", "when", "limit", "value", "map_by", "required", "merge", "order", "computed", "cascade")
SCHEDULES = 3  # tried for each candidate: fewer steps make another interleaving
MOST_RUNS = 3000
Item = TypeVar("Item")


@dataclass(frozen=True)
class Recipe:
    """What is left of the case of a seed."""

    seed: int
    #: Numbers of the steps that are left; None: all.
    steps: tuple[int, ...] | None = None
    #: Relations, or parts of them (`name:part`; the root's name is empty), that are gone.
    drop: tuple[str, ...] = ()
    #: Faults that do not happen, and low bounds of a step that are those of production.
    calm: tuple[str, ...] = ()
    schedule: int | None = None

    def __str__(self) -> str:
        """One word."""
        words = [str(self.seed)]
        words += [] if self.steps is None else ["steps=" + ",".join(map(str, self.steps))]
        words += ["drop=" + ",".join(self.drop)] if self.drop else []
        words += ["calm=" + ",".join(self.calm)] if self.calm else []
        words += [] if self.schedule is None else [f"schedule={self.schedule}"]
        return "/".join(words)

    @classmethod
    def parse(cls, word: str) -> Recipe:
        """The recipe that was printed."""
        seed, *parts = word.split("/")
        given = dict(part.split("=", 1) for part in parts)
        steps = given.get("steps")
        return cls(
            int(seed),
            None if steps is None else tuple(int(number) for number in steps.split(",") if number),
            tuple(filter(None, given.get("drop", "").split(","))),
            tuple(filter(None, given.get("calm", "").split(","))),
            int(given["schedule"]) if "schedule" in given else None,
        )

    def case(self) -> Case:
        """What it describes."""
        whole = case(self.seed)
        history = whole.history
        if self.steps is not None:
            kept, begin = set(self.steps), len(history.before)
            history = History(
                tuple(step for number, step in enumerate(history.before) if number in kept),
                tuple(step for number, step in enumerate(history.after, begin) if number in kept),
            )
        pipeline = whole.shape.pipeline
        for name in self.drop:
            pipeline = without(pipeline, *name.partition(":")[::2])
        faults = replace(whole.faults, **{name: 0.0 for name in self.calm if name in FAULTS})
        limits = {name: value for name, value in whole.limits.items() if name not in self.calm}
        schedule = whole.schedule if self.schedule is None else self.schedule
        return Case(replace(whole.shape, pipeline=pipeline), history, faults, limits, schedule, whole.waits)


def failure(recipe: Recipe) -> tuple[str, str] | None:
    """How the case fails, `(kind, text)`; None when it does not.  Failures of one kind are taken for one failure."""
    try:
        ended = run(recipe.case())
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {last.name}", f"{type(error).__name__}: {error}"
    return None if ended.converged else ("differ", f"documents {ended.documents}\nexpected  {ended.expected}")


def smallest(recipe: Recipe, kind: str) -> Recipe:
    """The least recipe that still fails in this way, found greedily."""
    left = MOST_RUNS

    def fails(candidate: Recipe) -> Recipe | None:
        nonlocal left
        for schedule in (candidate.schedule, *range(SCHEDULES)):
            left -= 1
            tried = replace(candidate, schedule=schedule)
            found = failure(tried) if left > 0 else None
            if found is not None and found[0] == kind:
                return tried
        return None

    history = recipe.case().history
    if recipe.steps is None:
        recipe = replace(recipe, steps=tuple(range(len(history.before) + len(history.after))))
    while left > 0:
        before = recipe
        for fault in (*FAULTS, *recipe.case().limits):
            if fault not in recipe.calm:
                recipe = fails(replace(recipe, calm=(*recipe.calm, fault))) or recipe
        for name in _droppable(recipe.case().shape.pipeline):
            recipe = fails(replace(recipe, drop=(*recipe.drop, name))) or recipe
        recipe = _fewer(recipe, fails)
        if recipe == before:
            break
    return recipe


def _fewer(recipe: Recipe, fails: Callable[[Recipe], Recipe | None]) -> Recipe:
    """Takes away stretches of steps, shorter and shorter ones."""
    size = max(1, len(recipe.steps or ()) // 2)
    while size:
        at = 0
        while at < len(recipe.steps or ()):
            steps: Sequence[int] = recipe.steps or ()
            found = fails(replace(recipe, steps=tuple(steps[:at]) + tuple(steps[at + size :])))
            recipe = found or recipe
            at += 0 if found else size
        size //= 2
    return recipe


def _droppable(pipeline: Pipeline) -> Iterator[str]:
    """Relations and their parts, the whole before the parts and the upper before the lower."""

    def below(embeds: Sequence[Embed]) -> Iterator[str]:
        for embed in embeds:
            yield embed.name
            default = tuple((column, False) for column in embed.identity)
            for part in PARTS:
                ordered = tuple((term.column, term.descending) for term in embed.order_by)
                if part == "when" and len([one for one in embeds if one.name == embed.name]) > 1:
                    continue  # cases of a switch
                if part == "order":
                    there = ordered not in ((), default)
                elif part == "cascade":
                    there = embed.on_parent_delete == part
                else:
                    there = bool(getattr(embed, part))
                if there:
                    yield f"{embed.name}:{part}"
            yield from below(embed.embed)

    if pipeline.views:
        yield ":views"
    yield from dict.fromkeys(name for one in pipeline.each() for name in below(one.embed))
    if pipeline.root.where is not None:
        yield ":where"
    if pipeline.computed:
        yield ":computed"


def without(pipeline: Pipeline, name: str, part: str) -> Pipeline:
    """The pipeline without a relation, or without a part of it."""

    def edited(embeds: tuple[Embed, ...]) -> tuple[Embed, ...]:
        kept = []
        for embed in embeds:
            if embed.name == name and not part:
                continue
            if embed.name == name:
                embed = _less(embed, part)
            kept.append(replace(embed, embed=edited(embed.embed), computed=computed(embed.computed)))
        return tuple(kept)

    def computed(values: tuple[Computed, ...]) -> tuple[Computed, ...]:
        return tuple(value for value in values if part or name not in value.expression.names)

    root, values = pipeline.root, pipeline.computed
    if not name:
        root = replace(root, where=None) if part == "where" else root
        values = () if part == "computed" else values
    views = () if (name, part) == ("", "views") else tuple(
        replace(view, embed=edited(view.embed), computed=computed(view.computed)) for view in pipeline.views
    )  # fmt: skip
    made = replace(pipeline, root=root, embed=edited(pipeline.embed), computed=computed(values), views=views)
    used = {table for one in made.each() for table in (one.root.table, *_tables(one.embed))}
    return replace(made, tables={table: declared for table, declared in made.tables.items() if table in used})


def _less(embed: Embed, part: str) -> Embed:
    if part == "order":
        return replace(embed, order_by=())
    if part == "cascade":
        return replace(embed, on_parent_delete="orphan")
    empty = {"required": False, "merge": False, "computed": ()}
    return replace(embed, **{part: empty.get(part)})


def _tables(embeds: Sequence[Embed]) -> Iterator[str]:
    for embed in embeds:
        yield embed.table
        yield from _tables(embed.embed)
