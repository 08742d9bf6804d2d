"""The recording of golden events is still what real servers and the real connector say."""

from __future__ import annotations

import io
import json

import fastavro
import pytest

from syncsvc.changes.decoding import decoder_for
from syncsvc.mapping.model import Table
from tests.changes import golden_events, recording
from tests.changes.cases import CASES, Case

pytestmark = pytest.mark.servers

LONG = Case("longtext", {"repeat('ä', 70000)": "ä" * 70_000})


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Kafka, a Connect worker with three converters, a registry."""
    with recording.stack(tmp_path_factory.mktemp("servers")) as found:
        yield found


@pytest.mark.parametrize("kind", recording.SERVERS)
def test_a_new_recording_equals_the_kept_one(servers, kind):
    """
    Every record in every form, but for times and places of the run: what the fast tests read is what servers send.

    Otherwise a version of a server or of the connector says something else: look at what, then record anew.
    """
    found = recording.record(servers, kind, CASES)

    for form in ("plain", "schemas"):
        kept, _ = golden_events.read(kind, form)
        for (key, value), (kept_key, kept_value) in zip(found[form], kept, strict=True):
            assert key == kept_key
            assert golden_events.without_the_run(value) == golden_events.without_the_run(kept_value)
    kept, kept_schemas = golden_events.read(kind, "avro")
    for said, golden in zip(found["avro"], kept, strict=True):
        for part, kept_part in zip(said, golden, strict=True):
            one, other = read_avro(part, servers.registry.schemas), read_avro(kept_part, kept_schemas)
            assert (one.pop("after", one), one.get("op")) == (other.pop("after", other), other.get("op"))


def read_avro(content: bytes, schemas: dict[int, str]) -> dict:
    """The content of a framed record, read by its own schema."""
    schema = fastavro.parse_schema(json.loads(schemas[int.from_bytes(content[1:5], "big")]))
    found = fastavro.schemaless_reader(io.BytesIO(content[5:]), schema, None)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("kind", recording.SERVERS)
def test_events_of_one_server_are_in_the_order_of_their_positions(servers, kind):
    """Snapshot before stream; a changed key is a delete and an insert at one place; TRUNCATE has no key and no row."""
    cases = [LONG]
    more = [f"UPDATE `long` SET id = {2 * recording.STREAMED} WHERE id = {recording.STREAMED}", "TRUNCATE `long`"]
    records = recording.record(servers, kind, cases, forms=["plain"], after=more, table="long")["plain"]
    names = {"id": "int", "c0": "longtext"}
    decoder = decoder_for(Table("meetup.long", ("id",), names), list(names))
    changes = [decoder.decode(value) for _, value in records if value]

    assert [change.op for change in changes] == ["r", "r", "c", "c", "d", "c", "t"]
    assert [change.after for change in changes[:2]] == [(0, "ä" * 70_000), (1, None)]
    positions = [change.position for change in changes]
    assert positions == sorted(positions)
    assert positions[1] < positions[2]
    assert not records[-1].key


def test_what_is_refused_or_lost_is_still_what_the_page_says(servers):
    """
    A UUID of MariaDB that ends in a zero byte is another one in the stream; the YEAR 0000 of MySQL is two years.

    When this fails the connector has become better: carry the type, and take the line from the page.
    """
    uuid = "123e4567-e89b-12d3-a456-426655440000"
    uuids, years = (
        recording.record(servers, kind, [case], forms=["plain"], table="lost")["plain"]
        for kind, case in (("mariadb", Case("uuid", {f"'{uuid}'": uuid})), ("mysql", Case("year", {"0": 0})))
    )

    shifted = "0000123e-4567-e89b-12d3-a45642665544"
    assert [json.loads(value)["after"]["c0"] for _, value in uuids] == [uuid, None, shifted, None]
    assert [json.loads(value)["after"]["c0"] for _, value in years] == [2000, None, 1900, None]
