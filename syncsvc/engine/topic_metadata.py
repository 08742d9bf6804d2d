"""
What a broker tells of topics, with their ids: a topic that was deleted and made anew has the same name and another id.

aiokafka 0.14 asks in version 5 of the Metadata API, which has no ids; they come with version 10 (Kafka 2.8).  An older
broker is asked as aiokafka asks it, and its topics have no id.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from io import BytesIO
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v4, MetadataRequest_v5
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

#: UNKNOWN_TOPIC_OR_PARTITION and LEADER_NOT_AVAILABLE: it is being deleted, or made.
_NOT_THERE = (3, 5)
_NO_ID = bytes(16)


class Uuid(AbstractType[bytes]):
    """16 bytes as they are."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """Of a request: which topic, where it is asked for by its id."""
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """Of an answer; zeros where the broker has given the topic none."""
        return data.read(16)


class MetadataResponse_v10(Response):
    """The names of fields are those that aiokafka has in its older versions."""

    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class MetadataRequest_v10(RequestStruct):
    """Asked for by name; by id it answers only from version 12 on."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = MetadataResponse_v10
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicsRequest(Request[MetadataRequest_v4 | MetadataRequest_v5 | MetadataRequest_v10]):
    """Topics by their names, in the newest version that the broker and this module know; makes none."""

    API_KEY = 3

    def __init__(self, names: Collection[str]) -> None:
        self._names = sorted(names)

    def build(self, request_struct_class: type[Any]) -> Any:
        """For the version that was agreed on."""
        if request_struct_class is MetadataRequest_v10:
            return MetadataRequest_v10([(_NO_ID, name, {}) for name in self._names], False, False, False, {})
        return request_struct_class(self._names, False)


async def ask(client: AIOKafkaClient, names: Collection[str]) -> list[dict[str, Any]]:
    """
    `{topic, topic_id, partitions: [{partition, leader, replicas, ..}]}` of the topics that exist, sorted by name.

    `topic_id` is as Kafka's own tools print it; "" where the broker has none.  aiokafka's errors are the caller's.
    """
    if not names:
        return []
    response = await client.send(client.get_random_node(), TopicsRequest(names))
    found: list[dict[str, Any]] = []
    for topic in response.to_object()["topics"]:
        if topic["error_code"] in _NOT_THERE:
            continue
        if topic["error_code"]:
            raise for_code(topic["error_code"])(topic["topic"])
        found.append(topic | {"topic_id": _printed(topic.get("topic_id", _NO_ID))})
    return sorted(found, key=lambda topic: str(topic["topic"]))


def _printed(topic_id: bytes) -> str:
    """22 characters, as `kafka-topics --describe` has them."""
    return "" if topic_id == _NO_ID else base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()
