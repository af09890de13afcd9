"""Contracts: locked, never changed in place, and readable by older and newer readers alike
(FULL_TRANSITIVE).
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import permutations
from pathlib import Path
from typing import Any

import avro.schema
import fastavro
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from hypothesis import given
from strategies import ANY_EVENT, events, examples

from schemas import contracts as lock
from schemas.contracts import Contract, contracts, latest_contracts, unlocked, write_lock
from schemas.contracts.export import avro_schema, avro_type
from schemas.errors import ContractError
from schemas.events import EVENT_TYPES, EVENTS_BY_FAMILY, Event
from schemas.wire import Decoder, encode, encode_fields

DIGESTS = Path(__file__).parents[2] / "data" / "contracts.sha256"
Schema = dict[str, Any]


def digest(contract: Contract) -> str:
    """One line of the list of digests."""
    text = json.dumps(contract.schema, sort_keys=True, separators=(",", ":"))
    return (
        f"{hashlib.sha256(text.encode()).hexdigest()}  {contract.id} {contract.type}"
        f" {contract.version}"
    )


def refusals(one: Schema, other: Schema) -> list[str]:
    """Why readers of either schema could not read what the other wrote, by Avro's own rules."""
    found: list[str] = []
    for reader, writer in permutations((one, other)):
        answer = ReaderWriterCompatibilityChecker().get_compatibility(
            avro.schema.parse(json.dumps(reader)), avro.schema.parse(json.dumps(writer))
        )
        if answer.compatibility is not SchemaCompatibilityType.compatible:
            found += sorted(answer.messages)
    return found


def changed(name: str, change: Callable[[list[Schema]], object]) -> tuple[Schema, Schema]:
    """A type's newest schema, and a copy whose fields were changed."""
    old = latest_contracts()[name].schema
    new = copy.deepcopy(old)
    change(new["fields"])
    return old, new


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the lock that a test may change."""
    for path in lock.FOLDER.glob("*.json"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(lock, "FOLDER", tmp_path)
    yield tmp_path
    contracts.cache_clear()
    latest_contracts.cache_clear()


def append(folder: Path, family: str, name: str, identity: int, schema: Schema) -> None:
    """Lock one more version."""
    path = folder / f"{family}.json"
    entries = json.loads(path.read_text("utf-8"))
    version = sum(entry["type"] == name for entry in entries) + 1
    path.write_text(
        json.dumps(
            [*entries, {"id": identity, "type": name, "version": version, "schema": schema}]
        ),
        "utf-8",
    )
    contracts.cache_clear()
    latest_contracts.cache_clear()


def test_every_event_model_is_locked_as_it_is() -> None:
    assert unlocked() == []
    assert {contract.type for contract in contracts().values()} >= EVENT_TYPES.keys()


def test_versions_count_up_from_one() -> None:
    for name in EVENT_TYPES:
        versions = [contract.version for contract in contracts().values() if contract.type == name]
        assert versions == list(range(1, len(versions) + 1)), name


def test_a_locked_contract_is_never_changed_nor_dropped() -> None:
    locked = [
        digest(contract)
        for contract in sorted(contracts().values(), key=lambda contract: contract.id)
    ]
    known = DIGESTS.read_text("utf-8").splitlines()
    assert locked[: len(known)] == known, (
        "a contract that systems already use was changed: restore it, and lock a new version"
    )
    assert locked == known, f"add the new versions to {DIGESTS.name}: " + "\n".join(
        locked[len(known) :]
    )


def test_the_digest_notices_every_change() -> None:
    contract = latest_contracts()["dossier.paid"]
    other = copy.deepcopy(contract.schema)
    other["fields"][-1]["default"] = "pending"
    assert digest(contract) != digest(
        Contract(contract.id, contract.type, contract.version, contract.family, other, None)
    )


def test_all_versions_of_a_type_read_each_other() -> None:
    for one, other in permutations(contracts().values(), 2):
        if one.type == other.type:
            assert refusals(one.schema, other.schema) == [], (
                f"{one.type}: versions {one.version} and {other.version}"
            )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda fields: fields.pop(), "signed"),
        (lambda fields: fields.append({"name": "place", "type": "string"}), "place"),
        (lambda fields: fields[-1].update(type="string"), "boolean not compatible"),
        (lambda fields: fields[0].update(name="id"), "event_id"),
        (
            lambda fields: fields[3].update(type=["null", "long"], default=None),
            "long not compatible with writer type: null",
        ),
    ],
    ids=[
        "required field removed",
        "field added without default",
        "type changed",
        "field renamed",
        "required field made optional",
    ],
)
def test_an_incompatible_change_is_refused(
    change: Callable[[list[Schema]], object], reason: str
) -> None:
    old, new = changed("document.sent", change)
    assert reason in " ".join(refusals(old, new))


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.append(
            {"name": "place", "type": ["null", "string"], "default": None}
        ),
        lambda fields: fields.remove(
            next(field for field in fields if field["name"] == "document_type")
        ),
        lambda fields: fields.reverse(),
    ],
    ids=["optional field added", "field with default removed", "other order"],
)
def test_a_compatible_change_is_taken_and_really_read(
    change: Callable[[list[Schema]], object],
) -> None:
    old, new = changed("document.sent", change)
    assert refusals(old, new) == []
    record = {
        "event_id": "1",
        "source": "s",
        "agency": "H35",
        "occurred_at": 1_763_870_000_000,
        "to": ["H35.1"],
        "electronic": True,
        "signed": False,
    }
    for writer, reader in permutations((old, new)):
        out = BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(writer, named_schemas={}), record)
        read = fastavro.schemaless_reader(
            BytesIO(out.getvalue()),
            fastavro.parse_schema(writer, named_schemas={}),
            fastavro.parse_schema(reader, named_schemas={}),
        )
        assert isinstance(read, dict)
        assert read | record == read
        assert read.keys() == {field["name"] for field in reader["fields"]}


@examples(30)
@given(ANY_EVENT)
def test_every_locked_version_reads_what_the_newest_writes(event: Event) -> None:
    """Trivial while a type has one version; from the second on it is the promise to systems not yet
    updated.
    """
    newest = latest_contracts()[event.type]
    for contract in contracts().values():
        if contract.type == event.type:
            read = fastavro.schemaless_reader(
                BytesIO(encode(event)[5:]), newest.parsed, contract.parsed
            )
            assert isinstance(read, dict)
            assert read.keys() == {field["name"] for field in contract.schema["fields"]}


def test_records_of_an_older_version_come_out_in_the_newest_shape(folder: Path) -> None:
    older = latest_contracts()["dossier.paid"]
    newer = copy.deepcopy(older.schema)
    newer["fields"].append({"name": "fee_kind", "type": "string", "default": "unknown"})
    append(folder, "dossiers", "dossier.paid", 900, newer)
    assert latest_contracts()["dossier.paid"].version == older.version + 1
    fields = {
        "event_id": "1",
        "source": "s",
        "agency": "H35",
        "occurred_at": 1_763_870_000_000,
        "reference": "r",
        "amount": 5,
        "online": True,
    }
    decode = Decoder("dossiers")
    defaults = {"backfill": False, "state": "paid", "effective_at": None, "holds": True}
    assert decode(encode_fields(older, fields)) == (
        "dossier.paid",
        {**fields, **defaults, "fee_kind": "unknown"},
    )
    assert (
        decode(encode_fields(latest_contracts()["dossier.paid"], fields | {"fee_kind": "land"}))[1][
            "fee_kind"
        ]
        == "land"
    )
    with pytest.raises(ContractError, match="no code"):
        decode(encode_fields(older, fields | {"agency": "a|b"}))


def test_a_model_that_changed_is_locked_as_a_new_version_with_a_free_id(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    highest = max(contracts())

    class Paid(EVENT_TYPES["dossier.paid"]):  # type: ignore[misc]
        till: str | None = None

    monkeypatch.setitem(
        lock.EVENTS_BY_FAMILY,
        "dossiers",
        tuple(Paid if e.type == "dossier.paid" else e for e in EVENTS_BY_FAMILY["dossiers"]),
    )
    monkeypatch.setitem(lock.EVENT_TYPES, "dossier.paid", Paid)
    assert unlocked() == ["dossier.paid"]
    before = json.loads((folder / "dossiers.json").read_text("utf-8"))
    version = latest_contracts()["dossier.paid"].version + 1
    assert write_lock() == [f"dossier.paid version {version} as id {highest + 1}"]
    assert json.loads((folder / "dossiers.json").read_text("utf-8"))[:-1] == before
    assert unlocked() == []
    assert write_lock() == []


def test_an_id_given_twice_is_refused(folder: Path) -> None:
    append(
        folder, "documents", "document.recalled", 1, latest_contracts()["document.recalled"].schema
    )
    with pytest.raises(
        ContractError, match=r"Contract id 1 stands twice, again in documents\.json"
    ):
        contracts()


def test_a_damaged_lock_names_its_file(folder: Path) -> None:
    (folder / "documents.json").write_text("[{", "utf-8")
    contracts.cache_clear()
    with pytest.raises(ContractError, match=r"documents\.json is not JSON"):
        contracts()


def test_a_lock_file_that_is_missing_is_written_anew(folder: Path) -> None:
    (folder / "heartbeats.json").unlink()
    contracts.cache_clear()
    latest_contracts.cache_clear()
    assert unlocked() == ["hub.heartbeat"]
    assert [line.split(" as ")[0] for line in write_lock()] == ["hub.heartbeat version 1"]


@pytest.mark.parametrize("annotation", [str | int, dict[str, int], bytes, tuple[int, ...]])
def test_a_field_that_avro_here_does_not_carry_is_refused(annotation: Any) -> None:
    with pytest.raises(ContractError):
        avro_type(annotation)


@examples(20)
@given(events(EVENT_TYPES["document.sent"]))
def test_the_key_is_not_in_the_record(event: Event) -> None:
    assert event.key not in {field["name"] for field in avro_schema(type(event))["fields"]}
    assert event.thing not in Decoder("documents")(encode(event))[1]
