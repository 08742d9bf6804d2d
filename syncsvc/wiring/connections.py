"""
From settings to connections: Kafka, MongoDB and the schema registry, for a worker and for commands alike.

Imports no Faust, so a command that only asks MongoDB starts quickly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from syncsvc import tls
from syncsvc.engine.settings import EngineSettings, SaslMechanism
from syncsvc.mongo import client
from syncsvc.settings import Settings
from syncsvc.source.registry import Registry


def engine_settings(settings: Settings) -> EngineSettings:
    """The engine's settings of a worker's."""
    return EngineSettings(
        settings.kafka_bootstrap,
        use_tls=settings.kafka_tls,
        tls_ca_file=settings.kafka_ca_file,
        tls_certificate_file=settings.kafka_certificate_file,
        tls_key_file=settings.kafka_key_file,
        sasl_username=settings.kafka_username,
        sasl_password_file=settings.kafka_password_file,
        sasl_mechanism=cast(SaslMechanism, settings.kafka_sasl_mechanism),  # `settings` knows no other
        instance_id=settings.instance,
        session_timeout_seconds=settings.session_timeout_seconds,
    )


def open_mongo(settings: Settings, listeners: Sequence[Any] = ()) -> client.Mongo:
    """The database of documents and bookkeeping; raises as `mongo.client.connect` does, `listeners` are as there."""
    files = tls.Files(settings.mongo_ca_file, settings.mongo_certificate_file, settings.mongo_key_file)
    access = client.Access(files, settings.mongo_username, settings.mongo_password())
    return client.connect(settings.mongo_address(), settings.mongo_database, access=access, listeners=listeners)


def schema_registry(settings: Settings) -> Registry | None:
    """Where schemas of Avro records come from; None where no registry is set."""
    if settings.schema_registry_url is None:
        return None
    return Registry(
        settings.schema_registry_url,
        files=tls.Files(
            settings.schema_registry_ca_file,
            settings.schema_registry_certificate_file,
            settings.schema_registry_key_file,
        ),
        credentials_file=settings.schema_registry_credentials_file,
    )
