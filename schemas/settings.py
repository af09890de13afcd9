"""Every setting of the hub, in one table: name, default, help. Drives the command line's help and
docs/settings.md (`python -m schemas.settings` prints its table).

A setting comes from the environment (`LGSP_` + its name in capitals), else from the TOML file named
by `LGSP_CONFIG` (default `lgsp.toml` in the working folder), else from the default here.
"""

from __future__ import annotations

import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from schemas import settings_checks as checks
from schemas.errors import SettingsError
from schemas.listening import address
from schemas.settings_checks import NO_PROXY
from schemas.settings_words import refuse_unknown, sentence, settings_table
from schemas.spaces import OFFICIAL, checked_space, within

_LONGEST_SECONDS, _YEAR_SECONDS = 3_600, 31_536_000  # seconds


class Settings(BaseSettings):
    """The table. `Field(description=…)` is the help text that users read."""

    model_config = SettingsConfigDict(
        env_prefix="LGSP_", extra="forbid", env_ignore_empty=True, allow_inf_nan=False
    )

    data: Path = Field(
        Path("var"),
        description="Folder of everything that is kept: Kafka's log, the cube, import progress",
    )
    space: Annotated[str, AfterValidator(checked_space)] = Field(
        OFFICIAL,
        description=(
            "Space of facts and figures: official, simulated or a name; spaces share nothing, and a"
            " simulation tells nothing to the official one"
        ),
    )
    host: str = Field(
        "127.0.0.1", description="Address that gateway, metrics and the worker's /metrics listen on"
    )
    access: Literal["open", "required"] = Field(
        "open",
        description=(
            "Who may send and read: required: clients with a key (docs/access.md); open:"
            " everybody, and only on the loopback address"
        ),
    )
    pepper_file: Path | None = Field(
        None,
        description=(
            "File with the secret that clients' keys are kept with; empty: access.pepper in"
            " LGSP_DATA"
        ),
    )
    token_key_file: Path | None = Field(
        None,
        description=(
            "File with the secret that access tokens are signed with; empty: access.token-key in"
            " LGSP_DATA"
        ),
    )
    metrics_token_file: Path | None = Field(
        None,
        description=(
            "File with the token that Prometheus sends to /metrics from another machine; empty:"
            " where access is required, /metrics answers this machine only"
        ),
    )
    tls_cert: Path | None = Field(
        None,
        description=(
            "File with the certificate of gateway and metrics (PEM, with its chain); empty: HTTP"
            " without TLS"
        ),
    )
    tls_key: Path | None = Field(
        None, description="File with its key (PEM, without a password), which others may not read"
    )
    trusted_proxies: Annotated[str, AfterValidator(checks.proxies)] = Field(
        "127.0.0.1,::1",
        description=(
            "Addresses or networks of proxies (a,b,…) whose X-Forwarded-For tells who asks;"
            " none: nobody is believed"
        ),
    )
    vault_key_file: Path | None = Field(
        None,
        description=(
            "File with the master key of the vault, where what was refused is kept whole for 14"
            " days; empty: vault.key in LGSP_DATA"
        ),
    )
    gateway_port: int = Field(
        8080, ge=1, le=65535, description="Port of the gateway (POST /v1/events)"
    )
    metrics_port: int = Field(
        8081, ge=1, le=65535, description="Port of /metrics and the reporting API"
    )
    kafka_host: Annotated[str, AfterValidator(checks.broker_host)] = Field(
        "127.0.0.1",
        description=(
            "Address that the embedded Kafka listens on; who reaches it may read and write all"
        ),
    )
    kafka_port: int = Field(9092, ge=1, le=65535, description="Port of the embedded Kafka")
    kafka_servers: Annotated[str, AfterValidator(checks.broker_servers)] = Field(
        "",
        description=(
            "Bootstrap servers of an existing cluster (host:port,…); empty: the embedded Kafka"
        ),
    )
    kafka_user: str = Field(
        "",
        description=(
            "As whom this process speaks to Kafka (SASL, SCRAM-SHA-512); empty: as nobody, as the"
            " embedded Kafka asks for"
        ),
    )
    kafka_password_file: Path | None = Field(
        None, description="File with that user's password, which others may not read"
    )
    kafka_ca: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None,
        description=(
            "File with the authority (PEM) that the brokers' certificates are signed by: Kafka over"
            " TLS; empty: without"
        ),
    )
    kafka_home: Path | None = Field(
        None,
        description="An unpacked Apache Kafka to run instead of downloading one (closed networks)",
    )
    kafka_repository: Annotated[str, AfterValidator(checks.mirror_url)] = Field(
        "",
        description="URL of a Maven repository mirror to take Kafka's jars from (closed networks)",
    )
    kafka_heap: Annotated[str, AfterValidator(checks.java_memory)] = Field(
        "512m", description="Memory of the embedded Kafka (a Java -Xmx value)"
    )
    partitions: int = Field(
        4,
        ge=1,
        le=1024,
        description="Partitions of each family's topics; fixed once the topics exist",
    )
    replication_factor: int = Field(
        1, ge=1, le=5, description="Copies of every topic; 3 on a cluster"
    )
    min_insync_replicas: int = Field(
        1,
        ge=1,
        le=5,
        description="Copies that must have a record before it is accepted; 2 on a cluster",
    )
    session_timeout: float = Field(
        6.0,
        ge=1,
        le=_LONGEST_SECONDS,
        description="Seconds of a worker's silence after which others get its partitions",
    )
    request_timeout: Annotated[float, AfterValidator(checks.outlasts_session)] = Field(
        10.0,
        ge=1,
        le=_LONGEST_SECONDS,
        description="Seconds to wait for a broker's answer before asking another",
    )
    rebalance_timeout: float = Field(
        9.0,
        ge=1,
        le=_LONGEST_SECONDS,
        description="Seconds workers wait for one another when partitions change hands",
    )
    transaction_timeout: float = Field(
        20.0,
        ge=1,
        le=900,
        description="Seconds a worker's transaction may take before it is rolled back",
    )
    topics: Literal["manage", "check"] = Field(
        "manage", description="manage: make topics, put their settings right; check: refuse others"
    )
    app_id: Annotated[str, AfterValidator(checks.one_name_of_books)] = Field(
        "lgsp", description="Name of the books: consumer group, prefix of transactions and topics"
    )
    books_beside: Annotated[str, AfterValidator(checks.names_of_books)] = Field(
        "", description="Names (a,b,…) of further books for metrics to serve, by `?books=NAME`"
    )
    body_limit: int = Field(
        8 << 20, ge=1024, description="Largest request body the gateway reads, in bytes"
    )
    connections: int = Field(
        1_024,
        ge=16,
        le=32_768,
        description="Most connections at once to gateway and to metrics, each",
    )
    batch_limit: int = Field(
        1_000, ge=1, le=10_000, description="Most events in one request to the gateway"
    )
    publish_timeout: float = Field(
        10.0,
        gt=0,
        le=_LONGEST_SECONDS,
        description="Seconds the gateway waits for Kafka before it answers 503",
    )
    publish_buffer: int = Field(
        32 << 20,
        ge=1 << 20,
        description="Bytes of accepted requests in memory before callers must wait",
    )
    future_tolerance: float = Field(
        300.0,
        ge=0,
        le=_YEAR_SECONDS,
        description="Seconds an event's time may lie ahead of the hub's clock",
    )
    personal_numbers: Literal["warn", "refuse"] = Field(
        "warn",
        description=(
            "What to do with an id that looks like a citizen's number or a phone: take it in and"
            " say so, or refuse it"
        ),
    )
    quarantine_rate: int = Field(
        32 << 10,
        ge=1,
        description=(
            "Bytes a second that a gateway keeps of refused items, masked, and as many of their"
            " originals, encrypted (512 s' worth at once)"
        ),
    )
    quarantine_run: int = Field(
        1_000,
        ge=1,
        description="Undecodable records in a row, on one partition, that stop a worker",
    )
    heartbeat_seconds: float = Field(
        2.0,
        gt=0,
        le=_LONGEST_SECONDS,
        description="Seconds between the heartbeats that measure freshness",
    )
    worker_port: int = Field(
        8082, ge=0, le=65535, description="Port of the worker's own /metrics (0: none)"
    )
    sandbox_metrics_port: int = Field(
        8091,
        ge=1,
        le=65535,
        description="Port of the sandbox's figures, which `lgsp up` serves while clients are in it",
    )
    sandbox_worker_port: int = Field(
        8092,
        ge=0,
        le=65535,
        description="Port of the /metrics of the sandbox's worker, likewise (0: none)",
    )
    listing: bool = Field(
        True,
        description=(
            "Keep the lists behind the figures (GET /v1/dossiers…); 0 spares memory and disk"
        ),
    )
    agencies: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None,
        description=(
            "YAML list of agencies that should report if none is registered; empty: all heard"
        ),
    )
    indicators: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="The catalogue of indicators; empty: the one that ships with the hub"
    )
    office_hours: Annotated[str, AfterValidator(checks.working_hours)] = Field(
        "07:00-11:30,13:30-17:00",
        description="Working hours of a day: for what is due soon, waits for papers, lags",
    )
    days_off: Annotated[str, AfterValidator(checks.days_off)] = Field(
        "", description="Further days off, such as 2026-01-02,2026-02-13; public holidays are known"
    )
    make_up_days: Annotated[str, AfterValidator(checks.make_up_days)] = Field(
        "", description="Days worked all the same (làm bù), such as 2026-01-10"
    )
    office_hours_number: int = Field(
        1,
        ge=1,
        description=(
            "Number of these office hours and days: raise it with every change of them, in all"
            " workers and metrics alike"
        ),
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe message that is logged"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, toml_file=config_file()),
        )

    @property
    def bootstrap(self) -> str:
        """Kafka's address: the cluster if one is named, else the embedded broker."""
        return self.kafka_servers or address(self.kafka_host, self.kafka_port)

    @property
    def books(self) -> str:
        """What Kafka calls the books of `app_id`: the workers' group, and what the names of their
        topics and transactions begin with.
        """
        return within(self.space, self.app_id)

    @property
    def space_folder(self) -> Path:
        """The folder of what is kept of this space's facts."""
        return self.data if self.space == OFFICIAL else self.data / "spaces" / self.space

    @property
    def read_models(self) -> Path:
        """The folder of what is made of these books for reading; other books' lie beside."""
        own = self.app_id == Settings.model_fields["app_id"].default
        return self.space_folder if own else self.space_folder / self.app_id

    @property
    def served(self) -> tuple[Settings, ...]:
        """The settings of each name of books that one metrics process serves, its own first."""
        names = dict.fromkeys([self.app_id, *filter(None, self.books_beside.split(","))])
        return tuple(self.model_copy(update={"app_id": name}) for name in names)

    @property
    def proxies(self) -> tuple[str, ...]:
        """The proxies that are believed."""
        return () if self.trusted_proxies == NO_PROXY else tuple(self.trusted_proxies.split(","))

    @property
    def embedded(self) -> bool:
        """Whether the hub brings its own Kafka."""
        return not self.kafka_servers


def config_file() -> Path:
    """The settings file; it need not exist unless `LGSP_CONFIG` names it."""
    named = os.environ.get("LGSP_CONFIG")
    if named and not Path(named).is_file():
        raise SettingsError(
            f"LGSP_CONFIG names {named}, which is no file: correct the path or unset LGSP_CONFIG."
        )
    return Path(named or "lgsp.toml")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once.

    Raises: SettingsError naming each setting that is wrong.
    """
    refuse_unknown(os.environ, Settings.model_fields)
    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            sentence(name := str(found["loc"][0]), Settings.model_fields.get(name), found)
            for found in error.errors()
        ]
        raise SettingsError(f"{'; '.join(wrong)}. docs/settings.md lists every setting.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{config_file()} is not TOML ({error}): correct it there, lines are like `partitions"
            " = 8`."
        ) from error


if __name__ == "__main__":
    print(settings_table(Settings.model_fields))
