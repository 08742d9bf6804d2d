"""
Every setting of the engine, with its unit and the reason for its default.

Secrets come as files (as Kubernetes mounts them), read when a client is made and never kept in a field; certificates
are read again for each new connection of a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from syncsvc import errors, tls

SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How to reach Kafka and how much to hold in memory; a default suits a broker on the same network."""

    #: `host:port,host:port`.
    bootstrap: str
    #: Shown in the broker's logs and quotas.
    client_id: str = "syncsvc"

    #: PEM file of the authority that signed the brokers' certificates; with it (or `use_tls`) TLS is spoken.
    tls_ca_file: Path | None = None
    #: PEM files of our own certificate and its key, for mutual TLS.
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    #: TLS with the authorities the system trusts.
    use_tls: bool = False
    #: With a user name SASL is spoken.
    sasl_username: str | None = None
    sasl_password_file: Path | None = None
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"

    #: Name of this member that outlives the process (the pod's name): a restart within the session timeout then
    #: causes no rebalance.  None: a new member each start.
    instance_id: str | None = None
    #: A member not heard of for so long is dead.  Short, for fences make a wrong verdict harmless; the broker's
    #: least value is 6 s by default.
    session_timeout_seconds: float = 15.0
    #: A rebalance is learnt from a heartbeat's answer, so this is how long the others wait for us; one costs 0.3 ms.
    heartbeat_interval_seconds: float = 0.2
    #: How long members have to come back in a rebalance; longer than `revoke_timeout_seconds`.
    rebalance_timeout_seconds: float = 60.0
    #: How long the host may take to let go of partitions before the process gives up.
    revoke_timeout_seconds: float = 30.0
    #: aiokafka leaves the group after not reading for so long; a MongoDB outage must not cause that.
    most_idle_seconds: float = 86_400.0
    #: One request to a broker.
    request_timeout_seconds: float = 40.0
    #: How long starting and every question to the broker may take before it counts as unreachable.
    reach_timeout_seconds: float = 10.0
    #: Joining the group: other members may be finishing their work first.
    join_timeout_seconds: float = 120.0
    #: Stopping: after it what is left is abandoned, the fences make that safe.
    stop_timeout_seconds: float = 15.0

    #: Bytes of one partition in one fetch, but at least one batch as it was sent, however large.
    fetch_partition_bytes: int = 1 << 20
    #: Bytes of one fetch in all.
    fetch_bytes: int = 16 << 20
    #: How long the broker holds an empty fetch.  One fetch is under way a broker, and a partition whose records are
    #: still being taken is not in it, so this is also the longest that a busy partition may wait for its next one.
    fetch_wait_seconds: float = 0.05
    #: Records decoded in one go: 5000 are some 8 ms, during which nothing else runs in the loop.
    poll_records: int = 5_000
    #: Pause after a read that brought few records where the loop is never idle, shorter where it has time to spare
    #: (`pace`): a read costs about the same for 1 and for 100 records.  A change waits for it once, before its row
    #: is read: what follows from that is read within it (`cycles`).
    pause_seconds: float = 0.075
    #: Reads below this many records are followed by the pause.
    pause_below_records: int = 200
    #: Most records of one batch given to the host.
    batch_records: int = 5_000
    #: Memory of records a partition waits with (value and `RECORD_OVERHEAD_BYTES` each); above it the partition
    #: is not read, below half of it again.  On top come at most two fetches.
    lane_bytes: int = 2 << 20
    #: Offsets are committed this often, for lag tools only.
    commit_interval_seconds: float = 1.0
    #: A commit not done by then is given up; stopping and rebalances wait for one.
    commit_timeout_seconds: float = 3.0

    #: Largest batch sent, before compression.
    send_batch_bytes: int = 1 << 20
    #: Largest single record; the topic's `max.message.bytes` must allow it (see `topics`).
    send_request_bytes: int = 16 << 20
    #: None: the broker is near and CPU is dearer than its disk.
    compression: Literal["lz4", "gzip", "snappy", "zstd"] | None = None
    #: A batch not acknowledged for so long is a failure; a broker's restart or an election takes less.
    delivery_timeout_seconds: float = 60.0

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.use_tls or bool(self.tls_files.named)

    @property
    def tls_files(self) -> tls.Files:
        """The certificates."""
        return tls.Files(self.tls_ca_file, self.tls_certificate_file, self.tls_key_file)

    def connection(self) -> dict[str, Any]:
        """
        Keyword arguments of every aiokafka client; reads the secret files.

        Raises:
            UsageFault: `kafka.secret_file`, the password's file cannot be read; `tls.bad_file`, a certificate cannot be
                used.
        """
        secure = self.secure
        protocol = ("SASL_" if self.sasl_username else "") + ("SSL" if secure else "PLAINTEXT")
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "security_protocol": protocol,
            "request_timeout_ms": int(self.request_timeout_seconds * 1000),
        }
        if secure:
            arguments["ssl_context"] = tls.ReloadingContext.of(self.tls_files)
        if self.sasl_username:
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self._password(),
            }
        return arguments

    def _password(self) -> str:
        if self.sasl_password_file is None:
            return ""
        try:
            return self.sasl_password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise errors.UsageFault(
                code="kafka.secret_file",
                where=str(self.sasl_password_file),
                what=f"the file with Kafka's password cannot be read: {why}",
                fix="mount it readable for this user, with nothing but the password in it",
            ) from error
