"""Consumers, producers and admin clients with the hub's settings."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
)

from schemas.errors import EnvironmentBroken, KafkaUnavailable, SettingsError
from schemas.settings import Settings
from schemas.storage import private_content

# Kafka 4 answers NOT_ENOUGH_REPLICAS to old-protocol transactional produces while the previous
# marker is being written; aiokafka retries, and would log each one.
logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)

# How long a client may believe what it heard of who leads what. aiokafka asks anew where a fetch or
# a send is refused, but not where the question for a partition's first offset is, nor after an
# answer that failed: it would go on asking the wrong broker for minutes.
METADATA_MS = 5_000
# How long a broker may hold back the fetch of a partition that was read to its end. The next one's
# has to wait for it: half a second for each stood still where many are read one after the other.
_FETCH_WAIT_MS = 20
ADMIN_MS = 20_000  # whatever the other requests' patience: a busy cluster makes a topic in seconds
SCRAM = "SCRAM-SHA-512"


class KafkaLogin(NamedTuple):
    """A user of Kafka."""

    name: str
    password: str


def connection(settings: Settings) -> dict[str, Any]:
    """With what every client reaches the brokers: their address, over TLS or not, and as whom.

    Raises: SettingsError, EnvironmentBroken
    """
    user, context = kafka_login(settings), kafka_tls(settings)
    if settings.embedded and (user is not None or context is not None):
        raise SettingsError(
            "The embedded Kafka knows no users and no TLS: LGSP_KAFKA_USER and LGSP_KAFKA_CA go"
            " with LGSP_KAFKA_SERVERS, which names a cluster."
        )
    found: dict[str, Any] = {"bootstrap_servers": settings.bootstrap}
    if context is not None:
        found |= {"security_protocol": "SSL", "ssl_context": context}
    if user is None:
        return found
    return found | {
        "security_protocol": "SASL_PLAINTEXT" if context is None else "SASL_SSL",
        "sasl_mechanism": SCRAM,
        "sasl_plain_username": user.name,
        "sasl_plain_password": user.password,
    }


def kafka_login(settings: Settings) -> KafkaLogin | None:
    """As whom this process speaks to Kafka; None: as nobody.

    Raises: SettingsError for a user without a password, or the other way round; EnvironmentBroken
    for a file that others may read.
    """
    path = settings.kafka_password_file
    if not settings.kafka_user and path is None:
        return None
    if not settings.kafka_user or path is None:
        raise SettingsError(
            "LGSP_KAFKA_USER goes with LGSP_KAFKA_PASSWORD_FILE: set both, or none."
        )
    content = private_content(path, "LGSP_KAFKA_PASSWORD_FILE", group=True)
    password = content.decode("utf-8", "replace").strip("\r\n")
    if not password:
        raise EnvironmentBroken(f"{path} (LGSP_KAFKA_PASSWORD_FILE) holds no password.")
    return KafkaLogin(settings.kafka_user, password)


def kafka_tls(settings: Settings) -> ssl.SSLContext | None:
    """With what the brokers' certificates are proved; None: without TLS.

    Raises: EnvironmentBroken
    """
    if settings.kafka_ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=settings.kafka_ca)
    except (OSError, ssl.SSLError) as error:
        raise EnvironmentBroken(
            f"{settings.kafka_ca} (LGSP_KAFKA_CA) holds no certificate in PEM ({error}): name the"
            " file of the authority that signed the brokers' certificates."
        ) from error


def consumer(settings: Settings, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer that reads only what was committed, from the beginning, and commits nothing by
    itself.
    """
    chosen: dict[str, Any] = {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": 4 << 20,
        "fetch_max_wait_ms": _FETCH_WAIT_MS,
        "metadata_max_age_ms": METADATA_MS,
        "request_timeout_ms": int(settings.request_timeout * 1000),
    }
    return AIOKafkaConsumer(*topics, **(chosen | connection(settings) | options))


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer to read something with and be done, closed whatever happens: one that can't start
    too, which else complains of it in a log where nobody knows what that means.

    Raises: KafkaUnavailable when Kafka does not answer, at the start or inside.
    """
    reader = consumer(settings)
    try:
        await reader.start()
        yield reader
    except (KafkaError, OSError) as error:
        raise unavailable(settings) from error
    finally:
        await reader.stop()


async def started_consumer(settings: Settings) -> AIOKafkaConsumer:
    """A consumer that is there to be asked, which whoever asks stops; one that can't start leaves
    nothing behind.

    Raises: KafkaError
    """
    made = consumer(settings)
    try:
        await made.start()
    except BaseException:
        await made.stop()
        raise
    return made


def producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """An idempotent producer that waits for all in-sync replicas."""
    chosen: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "max_batch_size": 1 << 20,
        "metadata_max_age_ms": METADATA_MS,
        "request_timeout_ms": int(settings.request_timeout * 1000),
    }
    return AIOKafkaProducer(**(chosen | connection(settings) | options))


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client.

    Raises: KafkaUnavailable when no broker answers, at the start or inside.
    """
    client = AIOKafkaAdminClient(
        request_timeout_ms=ADMIN_MS, metadata_max_age_ms=METADATA_MS, **connection(settings)
    )
    try:
        await client.start()
        yield client
    # a broker can go at any moment
    except (KafkaConnectionError, NodeNotReadyError, RequestTimedOutError) as error:
        raise unavailable(settings) from error
    finally:
        await client.close()


def unavailable(settings: Settings) -> KafkaUnavailable:
    """The one sentence for a broker that does not answer."""
    if settings.kafka_user or settings.kafka_ca is not None:
        return KafkaUnavailable(
            f"No Kafka at {settings.bootstrap} lets in {settings.kafka_user or 'this process'}:"
            " see that it runs, that it knows this user and password (LGSP_KAFKA_USER,"
            " LGSP_KAFKA_PASSWORD_FILE), and that LGSP_KAFKA_CA signed its certificate."
        )
    return KafkaUnavailable(
        f"No Kafka answers at {settings.bootstrap}: start one with `lgsp kafka`, or set"
        " LGSP_KAFKA_SERVERS."
    )
