"""
Where the topics of a pipeline end.
"""

from __future__ import annotations

import confluent_kafka as confluent

from syncsvc.mapping.model import Pipeline
from syncsvc.routing.schema_changes import channels


class Ends:
    """Asks the broker; with the position behind the last record that a reader of committed data is given."""

    def __init__(self, bootstrap: str) -> None:
        self._asking = confluent.Consumer({"bootstrap.servers": bootstrap, "group.id": "specs.ends", "log_level": 0})

    def of(self, pipeline: Pipeline) -> dict[tuple[str, int], int]:
        """`{(topic, partition): end offset}` of all topics that the pipeline reads."""
        places = [
            (pipeline.source_topic(table), number)
            for table in pipeline.tables
            for number in range(pipeline.source_partitions)
        ]
        places += [(topic, 0) for topic in channels(pipeline).values()]
        places += [(pipeline.keyed_topic, number) for number in range(pipeline.partitions)]
        return {place: self._end(*place) for place in places}

    def _end(self, topic: str, number: int) -> int:
        place = confluent.TopicPartition(topic, number)
        return int(self._asking.get_watermark_offsets(place, timeout=30, cached=False)[1])

    def close(self) -> None:
        """Leaves the broker."""
        self._asking.close()
