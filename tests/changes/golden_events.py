"""
The golden events: records of real servers, kept as files that a person can read.

    python -m tests.changes.golden_events             records them anew from real servers (two minutes)

`golden/<server>.<form>.txt` has a record a line, key and value with a tab between them: in the order snapshot, stream.
Of `schemas` the parts that all records share, the schemas themselves, stand once in the first line; of `avro` the lines
are base64, and the schemas, by number, stand in the first line.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.changes import recording
from tests.changes.cases import CASES
from tests.changes.recording import Said

FOLDER = Path(__file__).parent / "golden"
#: What differs from one recording to the next, in every form: when, where in the binlog, and names of the run.
_OF_THE_RUN = re.compile(r'"(ts_ms|ts_us|ts_ns|pos|row|file|gtid|server_id|thread|query|version)":("[^"]*"|[^,}]*)')


def file(kind: str, form: str) -> Path:
    """Where the records of a server in a form are kept."""
    return FOLDER / f"{kind}.{form}.txt"


def write(kind: str, form: str, records: Sequence[Said], schemas: dict[int, str]) -> None:
    """Keeps records; `schemas` are those of the registry."""
    if form == "avro":
        used = {int.from_bytes(part[1:5], "big") for record in records for part in record}
        lines = [json.dumps({str(number): json.loads(schemas[number]) for number in sorted(used)})]
        lines += [f"{base64.b64encode(key).decode()}\t{base64.b64encode(value).decode()}" for key, value in records]
    elif form == "schemas":
        heads = [part[: part.index(b',"payload":') + 11].decode() for part in records[0]]
        assert all(part.startswith(head.encode()) for said in records for part, head in zip(said, heads, strict=True))
        lines = ["\t".join(heads)]
        for said in records:
            lines.append("\t".join(part.decode()[len(head) : -1] for part, head in zip(said, heads, strict=True)))
    else:
        lines = [f"{key.decode()}\t{value.decode()}" for key, value in records]
    assert all(line.count("\t") == 1 for line in lines[1:])
    file(kind, form).write_text("\n".join(lines) + "\n")


def read(kind: str, form: str) -> tuple[list[Said], dict[int, str]]:
    """The records, byte for byte as they stood in the topic, and the schemas of Avro by number."""
    lines = file(kind, form).read_text().splitlines()
    if form == "avro":
        schemas = {int(number): json.dumps(schema) for number, schema in json.loads(lines[0]).items()}
        return [Said(*map(base64.b64decode, line.split("\t"))) for line in lines[1:]], schemas
    if form == "schemas":
        heads = lines[0].split("\t")
        parts = [zip(heads, line.split("\t"), strict=True) for line in lines[1:]]
        return [Said(*(f"{head}{part}}}".encode() for head, part in pair)) for pair in parts], {}
    return [Said(*(part.encode() for part in line.split("\t"))) for line in lines], {}


def without_the_run(content: bytes) -> bytes:
    """A JSON record without what differs from run to run."""
    return _OF_THE_RUN.sub(r'"\1":0', content.decode()).encode()


def main() -> None:
    """Records every server in every form."""
    with tempfile.TemporaryDirectory(prefix="golden-") as folder, recording.stack(Path(folder)) as servers:
        for kind in recording.SERVERS:
            for form, records in recording.record(servers, kind, CASES).items():
                write(kind, form, records, servers.registry.schemas)


if __name__ == "__main__":
    main()
