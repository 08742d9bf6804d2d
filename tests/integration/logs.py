"""
Kafka as the tests see it: the source topics, written as a connector writes them, and the pipeline's keyed topic.
"""

from __future__ import annotations

from collections.abc import Iterable

import confluent_kafka as confluent
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from tests.integration.meetup import TABLES, Event
from tests.integration.waiting import PATIENCE_SECONDS, wait_until


class Logs:
    """
    The topics of one pipeline.

    Args:
        name: of the pipeline, and prefix of its source topics.
        partitions: of the keyed topic.
        source_partitions: of each source topic.
    """

    def __init__(self, bootstrap: str, name: str, partitions: int, source_partitions: int) -> None:
        self.name, self.partitions, self.source_partitions = name, partitions, source_partitions
        self.sources = [f"{name}.{table}" for table in TABLES]
        self.keyed = f"syncsvc.{name}.g1.keyed"
        # A broker that is killed on purpose is not worth a line a second on the terminal.
        self._connection = {"bootstrap.servers": bootstrap, "log_level": 0}
        self._admin = AdminClient(self._connection)
        # As Debezium: the partition of a key is the Java client's, order is kept across retries.
        self._producer = confluent.Producer(
            {**self._connection, "partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 2}
        )
        self._asking = confluent.Consumer({**self._connection, "group.id": f"{name}.look"})

    def make(self, names: Iterable[str], partitions: int) -> None:
        """Makes topics as somebody else would have, with the broker's settings."""
        for made in self._admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
            made.result(30)

    def grow(self, name: str, partitions: int) -> None:
        """Gives a topic more partitions."""
        for grown in self._admin.create_partitions([NewPartitions(name, partitions)]).values():
            grown.result(30)

    def remove(self, name: str) -> None:
        """Deletes a topic; returns when the broker has forgotten it."""
        for removed in self._admin.delete_topics([name]).values():
            removed.result(30)
        wait_until(lambda: name not in self.there(), lambda: f"{name} is still there")

    def there(self) -> set[str]:
        """Topics of this pipeline that exist."""
        return {name for name in self._admin.list_topics(timeout=30).topics if self.name in name}

    def publish(self, events: Iterable[Event]) -> None:
        """The connector writes events; returns when the broker has them."""
        for event in events:
            self._producer.produce(f"{self.name}.{event.table}", event.value, event.key)
        left = self._producer.flush(PATIENCE_SECONDS)
        assert left == 0, f"{left} events did not reach Kafka"

    def beat(self) -> None:
        """The connector writes a heartbeat, in the topic that Debezium has for them."""
        self._producer.produce(f"__debezium-heartbeat.{self.name}", b"{}", b"{}")
        assert self._producer.flush(PATIENCE_SECONDS) == 0

    def ends(self) -> dict[tuple[str, int], int]:
        """End offsets of all partitions the pipeline reads."""
        places = [(topic, number) for topic in self.sources for number in range(self.source_partitions)]
        places.append((self.name, 0))  # what a connector tells of tables
        places += [(self.keyed, number) for number in range(self.partitions)]
        return {place: self._end(*place) for place in places}

    def keyed_records(self) -> list[tuple[int, bytes, bytes]]:
        """`(partition, key, value)` of every record of the keyed topic, in order within a partition."""
        partitions = range(self.partitions)
        wanted = sum(self._end(self.keyed, number) for number in partitions)
        reading = confluent.Consumer({**self._connection, "group.id": f"{self.name}.read", "enable.auto.commit": False})
        reading.assign([confluent.TopicPartition(self.keyed, number, 0) for number in partitions])
        found: list[tuple[int, bytes, bytes]] = []

        def read() -> bool:
            for message in reading.consume(500, timeout=0.2):
                assert message.error() is None
                found.append((message.partition(), message.key() or b"", message.value()))
            return len(found) >= wanted

        wait_until(read, lambda: f"{len(found)} of {wanted} records")
        reading.close()
        return found

    def close(self) -> None:
        """Leaves the broker."""
        self._asking.close()

    def _end(self, topic: str, number: int) -> int:
        place, found = confluent.TopicPartition(topic, number), []

        def asked() -> bool:
            try:
                found.append(self._asking.get_watermark_offsets(place, timeout=30, cached=False))
            except confluent.KafkaException:  # a broker that was killed a moment ago does not lead its partitions yet
                return False
            return True

        wait_until(asked, lambda: f"{topic}[{number}] has no leader")
        return int(found[0][1])
