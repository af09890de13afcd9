"""docker-compose.yml and the image: valid by the Compose schema, and in step with settings, files
and the lock.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ops.kafka.storage import BROKER
from schemas.settings import Settings
from serving.access.secrets import PEPPER_FILE, TOKEN_KEY_FILE

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
HUB = ("gateway", "worker", "metrics", "sandbox-worker", "sandbox-metrics")
TOOLS = "tools"  # runs when asked, and ends
BROKERS = ("kafka-1", "kafka-2", "kafka-3")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
SCHEMA = Draft202012Validator(
    json.loads((ROOT / "tests/data/compose-spec.json").read_text("utf-8"))
)


def problems(compose: dict[str, Any]) -> list[str]:
    return [
        f"{'/'.join(map(str, error.path))}: {error.message}"
        for error in SCHEMA.iter_errors(compose)
    ]


def test_valid_by_the_compose_specification() -> None:
    assert problems(COMPOSE) == []


@pytest.mark.parametrize(
    "wrong",
    [{"comand": ["gateway"]}, {"restart": 3}, {"ports": "8080"}, {"healthcheck": {"tests": []}}],
)
def test_the_schema_refuses_what_is_wrong(wrong: dict[str, Any]) -> None:
    assert problems(
        {**COMPOSE, "services": {**SERVICES, "gateway": {**SERVICES["gateway"], **wrong}}}
    )


def hub_settings(service: str) -> dict[str, str]:
    return {
        name.removeprefix("LGSP_").lower(): value
        for name, value in SERVICES[service]["environment"].items()
    }


@pytest.mark.parametrize("service", HUB)
def test_every_variable_is_a_setting_with_a_fitting_value(service: str) -> None:
    assert all(name.startswith("LGSP_") for name in SERVICES[service]["environment"])
    chosen = Settings(**hub_settings(service))  # type: ignore[arg-type]
    assert chosen.bootstrap.split(",") == [f"{broker}:9092" for broker in BROKERS]
    assert not chosen.embedded


def test_three_copies_of_which_two_must_have_a_record() -> None:
    chosen = Settings(**hub_settings("gateway"))  # type: ignore[arg-type]
    assert (chosen.replication_factor, chosen.min_insync_replicas) == (3, 2)
    for broker in BROKERS:
        environment = SERVICES[broker]["environment"]
        copies = {
            name: value
            for name, value in environment.items()
            if name.endswith("REPLICATION_FACTOR")
        }
        assert len(copies) == 4
        assert set(copies.values()) == {"3"}
        assert {
            value
            for name, value in environment.items()
            if re.search(r"MIN_(ISR|INSYNC_REPLICAS)$", name)
        } == {"2"}


def test_brokers_differ_in_name_and_place_and_agree_in_the_rest() -> None:
    environments = [dict(SERVICES[broker]["environment"]) for broker in BROKERS]
    nodes = [environment.pop("KAFKA_NODE_ID") for environment in environments]
    hosts = [environment.pop("KAFKA_ADVERTISED_LISTENERS") for environment in environments]
    assert nodes == ["1", "2", "3"]
    assert hosts == [f"PLAINTEXT://{broker}:9092" for broker in BROKERS]
    assert environments[0] == environments[1] == environments[2]
    voters = environments[0]["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")
    assert voters == [f"{node}@{broker}:9093" for node, broker in zip(nodes, BROKERS, strict=True)]
    assert len(base64.urlsafe_b64decode(environments[0]["CLUSTER_ID"] + "==")) == 16


def test_brokers_keep_everything_that_the_embedded_one_keeps() -> None:
    """What one broker of a small machine needs otherwise is named here; all else that is declared
    for it holds for these too.
    """
    environment = SERVICES["kafka-1"]["environment"]
    own = {
        "node.id",
        "offsets.topic.num.partitions",
        "transaction.state.log.num.partitions",
        "log.cleaner.dedupe.buffer.size",
    }
    shipped = {
        name: environment.get("KAFKA_" + name.upper().replace(".", "_"))
        for name in BROKER.keys() - own
    }
    several = {name for name, value in BROKER.items() if name in shipped and shipped[name] != value}
    assert None not in shipped.values()
    assert several == {
        name for name in shipped if re.search(r"replication\.factor$|min\.isr$|^broker\.", name)
    }


def test_two_workers() -> None:
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert "ports" not in SERVICES["worker"]  # two of them could not share one


def test_only_loopback_is_reachable_from_outside() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 6
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_images_are_pinned_and_services_watched() -> None:
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"]), (
            name
        )
        if name != TOOLS:
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_tools_run_only_when_asked() -> None:
    assert SERVICES[TOOLS]["profiles"] == ["tools"]
    assert SERVICES[TOOLS]["restart"] == "no"
    assert hub_settings(TOOLS) == hub_settings("worker")


def test_no_service_can_take_the_machine_or_change_its_own_program() -> None:
    for name, service in SERVICES.items():
        assert service["mem_limit"], name
        assert 0 < service["pids_limit"] <= 1024, name
        assert service["logging"] == {
            "driver": "json-file",
            "options": {"max-size": "10m", "max-file": "5"},
        }, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_what_is_written_is_on_a_volume_or_in_bounded_memory() -> None:
    for name, service in SERVICES.items():
        assert all(re.search(r"[:,]size=\d+m$", place) for place in service.get("tmpfs", [])), name
    for service in (*HUB, TOOLS):
        places = [place.split(":")[0] for place in SERVICES[service]["tmpfs"]]
        places += [volume.split(":")[1] for volume in SERVICES[service].get("volumes", [])]
        secrets = ["/run/lgsp-access"] if service == "metrics" else []  # read-only
        data = re.search(r"LGSP_DATA=(\S+)", DOCKERFILE).group(1)  # type: ignore[union-attr]
        assert sorted(places) == [*secrets, "/tmp", data]


@pytest.mark.parametrize("service", HUB)
def test_health_is_asked_at_the_port_of_the_settings(service: str) -> None:
    command = service.removeprefix("sandbox-")
    port = getattr(Settings(), f"{command}_port")
    assert f"127.0.0.1:{port}/" in SERVICES[service]["healthcheck"]["test"][-1]
    assert SERVICES[service]["command"] == [command]
    assert f" {port}" in re.search(r"^EXPOSE.*$", DOCKERFILE, re.MULTILINE).group()  # type: ignore[union-attr]


def test_what_is_kept_is_on_declared_volumes_and_what_is_mounted_exists() -> None:
    named = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_dir(), source
            else:
                named.add(source)
    assert named == set(COMPOSE["volumes"])


def test_the_image_builds_from_files_that_exist_and_are_not_ignored() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    ]
    assert {"requirements-image.lock", "schemas", "connectors", "streams", "metrics", "ops"} <= set(
        copied
    )
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    assert allowed == set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_runs_lgsp_locked_and_without_root() -> None:
    final = DOCKERFILE.split("\nFROM ")[-1]
    assert "--require-hashes" in DOCKERFILE
    assert 'ENTRYPOINT ["lgsp"]' in final
    user = re.search(r"^USER (\d+)$", final, re.MULTILINE)
    assert user is not None
    assert int(user.group(1)) > 0
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", bases[0])


def locked(name: str) -> dict[str, str]:
    """Package to version."""
    return dict(
        re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    )


def test_the_image_has_what_was_tested_and_nothing_that_tests() -> None:
    image, tested = locked("requirements-image.lock"), locked("requirements.lock")
    assert image.items() <= tested.items()
    assert not image.keys() & {
        "pytest",
        "hypothesis",
        "mypy",
        "ruff",
        "testcontainers",
        "openpyxl",
        "schemathesis",
        "pip",
    }
    assert {
        "aiokafka",
        "faust-streaming",
        "fastavro",
        "pydantic",
        "prometheus-client",
    } <= image.keys()
    assert "pip uninstall --yes setuptools pip" in DOCKERFILE


def test_who_sends_needs_a_key_and_gateway_and_tools_prove_it_with_the_same_secrets() -> None:
    for service in (*HUB, TOOLS):
        assert SERVICES[service]["environment"]["LGSP_ACCESS"] == "required", service
    assert SERVICES["gateway"]["volumes"][0] == SERVICES[TOOLS]["volumes"][0]
    assert "tools:/run/lgsp-access:ro" in SERVICES["metrics"]["volumes"]
    proving = {name: path.name for name, path in proved_with().items()}
    assert proving == {"pepper_file": PEPPER_FILE, "token_key_file": TOKEN_KEY_FILE}
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert "tools client add operator --role operator" in text


def proved_with() -> dict[str, Path]:
    """Where metrics looks for the secrets, by setting."""
    chosen = Settings(**hub_settings("metrics"))  # type: ignore[arg-type]
    found = {"pepper_file": chosen.pepper_file, "token_key_file": chosen.token_key_file}
    assert all(path and path.parent == Path("/run/lgsp-access") for path in found.values())
    return {name: path for name, path in found.items() if path is not None}


def test_prometheus_sends_the_token_that_all_processes_ask_for() -> None:
    (name,) = COMPOSE["secrets"]
    for service in (*HUB, TOOLS, "prometheus"):
        assert SERVICES[service]["secrets"] == [name], service
        if service != "prometheus":
            told = SERVICES[service]["environment"]["LGSP_METRICS_TOKEN_FILE"]
            assert told == f"/run/secrets/{name}"
    config = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text("utf-8"))
    for job in config["scrape_configs"]:
        assert job["authorization"]["credentials_file"] == f"/run/secrets/{name}", job
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert COMPOSE["secrets"][name]["file"] == f"./secrets/{name}"
    assert f"openssl rand -hex 32 > secrets/{name}" in text
    assert "/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
