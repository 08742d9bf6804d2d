"""What pipelines have applied, from their fences in MongoDB: the truth that committed offsets only follow."""

from __future__ import annotations

import re

from syncsvc.engine.port import TP
from syncsvc.mapping.model import Pipeline
from syncsvc.mongo import fences
from syncsvc.mongo.client import Mongo
from syncsvc.routing.schema_changes import channels

_ROUTER = re.compile(r"(?P<topic>.+)\[(?P<partition>\d+)\]")


def topics(pipeline: Pipeline) -> list[str]:
    """Every topic that a pipeline consumes."""
    return [*map(pipeline.source_topic, sorted(pipeline.tables)), *channels(pipeline).values(), pipeline.keyed_topic]


def offsets(pipeline: Pipeline, mongo: Mongo) -> dict[TP, int]:
    """`{partition: next offset to apply}`; a partition without a durable step is not in it."""
    found = {}
    for fence in fences.read_fences(mongo, pipeline.name, pipeline.generation):
        if not fence["seq"]:
            continue
        place = fence["_id"].split("/", 3)[3]
        source = _ROUTER.fullmatch(place)
        tp = TP(source["topic"], int(source["partition"])) if source else TP(pipeline.keyed_topic, int(place))
        found[tp] = int(fence["offset"])
    return found
