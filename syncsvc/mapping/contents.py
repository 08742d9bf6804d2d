"""
What stands in one level of the document, and how much there is in all.

Part of `check`: a level shows something, each name once, and its computed values use what is there.  The size is that
of the mapping after `depth` and `switch` are carried out, because a few lines can be thousands of relations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from syncsvc.mapping.declared import Declared, Documents, Level
from syncsvc.mapping.expand import MOST_ADDRESSES, MOST_LEVELS, MOST_RELATIONS, addresses, size
from syncsvc.mapping.findings import Findings
from syncsvc.mapping.formulas import check_computed
from syncsvc.mapping.levels import shown
from syncsvc.mapping.model import Pipeline, Table
from syncsvc.mapping.names import check_names


def check_level(
    level: Level, itself: str | None, tables: Mapping[str, Table], complete: bool, findings: Findings
) -> None:
    """
    Names and computed values of one level.

    Args:
        level: the root of the document, or an element of a relation.
        itself: name of the relation when it stands in its own element again (`depth`), or None.
        tables: of the file.
        complete: nothing was left out when the file was read, so what is not here was not written.
        findings: where problems go.
    """
    check_names(level, itself, findings)
    check_computed(level, tables, findings)
    if complete and next(shown(level), None) is None:
        place = findings.places.of_key((*level.path, "root") if level.is_root else level.path)
        named = "the document" if level.is_root else f'an element of "{level.path[-1]}"'
        what = f"{named} shows nothing: it has no fields, no relations and no computed values"
        findings.add(place, "mapping.missing_key", what, "add  fields: [column, …]")


def check_whole(declared: Declared, findings: Findings) -> None:
    """What concerns the file as a whole."""
    pipeline, places = declared.pipeline, findings.places
    if pipeline.write == "merge" and pipeline.publish != "direct":
        what = "write: merge keeps fields that applications add, and those write to a plain collection"
        findings.add(places.of_value(("write",)), "mapping.not_allowed", what, "add  publish: direct")
    _check_collections(pipeline, declared.kinds, findings)
    sizes = [size(kind.relations) for kind in declared.kinds]
    relations, levels = sum(count for count, _ in sizes), max(levels for _, levels in sizes)
    if relations > MOST_RELATIONS or levels > MOST_LEVELS:
        what = (
            f"the mapping is {relations} relations over {levels} levels, counting each level of depth; "
            f"at most {MOST_RELATIONS} over {MOST_LEVELS} are carried"
        )
        findings.add(places.of_key(("embed",)), "mapping.too_large", what, "lower depth, or split the mapping")
        return
    if (needed := addresses(declared.kinds)) > MOST_ADDRESSES:
        kinds = len(sizes)
        what = f"{kinds} kinds of documents and {needed - kinds} look-ups; at most {MOST_ADDRESSES} in all are carried"
        findings.add(places.of_key(("views",)), "mapping.too_large", what, "move some of the views to another mapping")


def _check_collections(pipeline: Pipeline, kinds: tuple[Documents, ...], findings: Findings) -> None:
    """No kind of document is written or shown under a name of another one."""
    own = pipeline.collection
    taken = {own, pipeline.target_collection}
    for kind in kinds[1:]:
        collection = str(kind.path[-1])
        names = {collection, dataclasses.replace(pipeline, collection=collection).target_collection}
        if taken & names:
            what = f'the collection "{min(taken & names)}" already holds other documents of this pipeline'
            findings.add(findings.places.of_key(kind.path), "mapping.duplicate_name", what, "give it another name")
        taken |= names
