"""Who a request speaks as: keys, tokens, what is over or was never one, and what is remembered."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest
from accesses import PEPPER, SEED, Clients, basic, bearer, draft
from joserfc import jwt
from joserfc.jwk import OctKey

from schemas.clock import DAY_MS, HOUR_MS
from serving.access import gate as gate_module
from serving.access.changes import revoked, rotated, with_key
from serving.access.clients import ANYBODY, Identity
from serving.access.errors import AccessUnknown, NotKnown
from serving.access.keys import Pepper, parse_key
from serving.access.tokens import TOKEN_SECONDS, Tokens


@pytest.fixture
def clients() -> Clients:
    return Clients(draft("shop"), draft("other", agencies=("U",)))


def who(clients: Clients, header: dict[str, str]) -> str:
    return clients.gate.identify(header["Authorization"]).name


def refused(clients: Clients, header: str | None) -> str:
    with pytest.raises(NotKnown) as caught:
        clients.gate.identify(header)
    return str(caught.value)


def test_a_key_opens_by_name_and_alone(clients: Clients) -> None:
    key = clients.keys["shop"]
    assert who(clients, clients.basic("shop")) == "shop"
    assert who(clients, bearer(key)) == "shop"
    assert who(clients, {"Authorization": f"bearer  {key}"}) == "shop"


def test_a_key_has_256_bits_and_its_id_in_front_and_is_kept_nowhere(clients: Clients) -> None:
    text = str(clients.keys["shop"])
    key = parse_key(text)
    assert key is not None
    assert text == f"lgsp_{key.id}_{key.secret}"
    assert len(bytes.fromhex(key.secret)) == 32
    assert key != parse_key(str(clients.keys["other"]))
    kept = msgspec.json.encode(clients.register.clients["shop"]).decode()
    assert key.id in kept
    assert key.secret not in kept
    assert sha256(key.secret.encode()).hexdigest() not in kept, "a plain hash could be tried out"


def wrong_secret(clients: Clients) -> dict[str, str]:
    key = clients.keys["shop"]
    return basic("shop", key._replace(secret="0" * 64))


def of_another(clients: Clients) -> dict[str, str]:
    return basic("shop", clients.keys["other"])


def no_such_id(clients: Clients) -> dict[str, str]:
    return basic("shop", clients.keys["shop"]._replace(id="0" * 10))


@pytest.mark.parametrize("header", [wrong_secret, of_another, no_such_id])
def test_a_wrong_key_opens_nothing(
    clients: Clients, header: Callable[[Clients], dict[str, str]]
) -> None:
    said = refused(clients, header(clients)["Authorization"])
    assert said.startswith("The key is ")
    assert clients.keys["shop"].secret not in said


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        f"Basic {b64encode(b'no-colon').decode()}",
        f"Basic {b64encode(bytes([255, 254])).decode()}",
        "Digest username=shop",
        "Bearer",
        "Bearer  ",
        "lgsp_0_1",
        "Bearer lgsp_",
        "Bearer lgsp__",
        "Basic " + "A" * 10_000,
        "Bearer " + "é" * 20,
    ],
)
def test_what_is_no_key_is_refused_in_words(clients: Clients, header: str | None) -> None:
    assert len(refused(clients, header)) > 20


def test_an_old_key_holds_until_its_end_and_then_no_longer(clients: Clients) -> None:
    old = clients.basic("shop")
    client, key = rotated(
        clients.register.clients["shop"], PEPPER, clients.now, old_until=clients.now + HOUR_MS
    )
    clients.put(client)
    new = basic("shop", key)
    assert who(clients, old) == who(clients, new) == "shop"
    clients.now += HOUR_MS - 1
    assert who(clients, old) == "shop"
    clients.now += 1
    assert "ended on 2026-11-01 01:00" in refused(clients, old["Authorization"])
    assert who(clients, new) == "shop"


def test_an_old_key_holds_for_a_week_unless_told_otherwise(clients: Clients) -> None:
    client, _ = rotated(clients.register.clients["shop"], PEPPER, clients.now)
    clients.put(client)
    clients.now += 7 * DAY_MS - 1
    assert who(clients, clients.basic("shop")) == "shop"
    clients.now += 1
    refused(clients, clients.basic("shop")["Authorization"])


def test_what_is_revoked_opens_nothing_at_once_though_it_was_remembered(clients: Clients) -> None:
    shop, other = clients.basic("shop"), clients.basic("other")
    assert (who(clients, shop), who(clients, other)) == ("shop", "other")
    client = clients.register.clients["shop"]
    clients.put(revoked(client, clients.now, client.keys[0].id))
    clients.put(revoked(clients.register.clients["other"], clients.now))
    assert "was revoked on 2026-11-01" in refused(clients, shop["Authorization"])
    assert "client other was revoked" in refused(clients, other["Authorization"])


def test_a_client_as_it_is_now_is_what_a_remembered_header_speaks_as(clients: Clients) -> None:
    header = clients.basic("shop")["Authorization"]
    before = clients.gate.identify(header)
    changed = clients.put(
        msgspec.structs.replace(clients.register.clients["shop"], agencies=("U",))
    )
    after = clients.gate.identify(header)
    assert before.client is not None
    assert (before.client.agencies, after.client) == (("P",), changed)


def test_a_header_is_proved_once_and_so_many_are_remembered(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_module, "REMEMBERED", 7)
    proved: list[str] = []
    real = PEPPER.proves
    monkeypatch.setattr(
        PEPPER, "proves", lambda text, kept: proved.append(text.id) or real(text, kept)
    )
    for _ in range(3):
        who(clients, clients.basic("shop"))
    assert len(proved) == 1
    for number in range(20):  # each another spelling of the same
        clients.gate.identify(f"Bearer {clients.keys['shop']}" + " " * number)
    assert len(clients.gate._proved) == 7


def test_nobody_is_let_in_before_the_register_was_read(clients: Clients) -> None:
    clients.read = False
    with pytest.raises(AccessUnknown):
        clients.gate.identify(clients.basic("shop")["Authorization"])


def test_a_key_of_another_pepper_is_told_to_the_hubs_people(
    clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = Pepper(b"q" * 32)
    client, key = with_key(clients.register.clients["shop"], foreign, 30, clients.now)
    clients.put(client)
    for _ in range(2):
        refused(clients, basic("shop", key)["Authorization"])
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "LGSP_PEPPER_FILE" in said.getMessage()
    assert foreign.id in said.getMessage()


# Tokens


def token_for(clients: Clients, name: str) -> str:
    return clients.gate.token(clients.gate.identify(clients.basic(name)["Authorization"]))[0]


def test_a_token_holds_ten_minutes(clients: Clients) -> None:
    text = token_for(clients, "shop")
    clients.now += TOKEN_SECONDS * 1000 - 1
    assert who(clients, bearer(text)) == "shop"
    clients.now += 6_000  # more than clocks may differ by
    assert "does not hold" in refused(clients, f"Bearer {text}")


def test_a_token_ends_with_its_key(clients: Clients) -> None:
    text = token_for(clients, "shop")
    assert who(clients, bearer(text)) == "shop"
    client = clients.register.clients["shop"]
    clients.put(revoked(client, clients.now, client.keys[0].id))
    assert "was revoked" in refused(clients, f"Bearer {text}")
    clients.put(msgspec.structs.replace(client, keys=()))
    assert "not registered any more" in refused(clients, f"Bearer {text}")


def test_a_token_is_of_no_more_use_than_its_key_is_left(clients: Clients) -> None:
    clients.now = clients.register.clients["shop"].keys[0].expires_at - 5_000
    identity = clients.gate.identify(clients.basic("shop")["Authorization"])
    text, seconds = clients.gate.token(identity)
    assert seconds == 5
    clients.now += 5_000
    assert "ended on" in refused(clients, f"Bearer {text}")


def test_a_token_of_another_space_or_another_hub_does_not_hold(clients: Clients) -> None:
    key = clients.register.clients["shop"].keys[0].id
    for tokens in (Tokens(SEED, "sandbox"), Tokens(b"t" * 32)):
        refused(clients, f"Bearer {tokens.issue('shop', key, clients.now)}")
    assert who(clients, bearer(Tokens(SEED).issue("shop", key, clients.now))) == "shop"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_chooses_its_own_algorithm_does_not_hold(
    clients: Clients, algorithm: str
) -> None:
    """As are tried since libraries believed what a token says of itself."""
    honest = token_for(clients, "shop")
    claims = jwt.decode(honest, Tokens(SEED)._key, algorithms=["Ed25519"]).claims
    header = {"alg": algorithm, "typ": "at+jwt"}
    public = OctKey.import_key(str(Tokens(SEED)._key.as_dict(private=False)["x"]))
    if algorithm == "none":
        first = b64encode(msgspec.json.encode(header)).decode().rstrip("=")
        forged = f"{first}.{honest.split('.')[1]}."
    else:
        forged = jwt.encode(header, claims, public, algorithms=[algorithm])
    refused(clients, f"Bearer {forged}")


@pytest.mark.parametrize("cut", [slice(0, -2), slice(1, None), slice(0, 20)])
def test_a_token_that_was_changed_does_not_hold(clients: Clients, cut: slice) -> None:
    refused(clients, f"Bearer {token_for(clients, 'shop')[cut]}")


def test_a_token_is_given_for_a_key_only(clients: Clients) -> None:
    for identity in (Identity(), Identity(clients.register.clients["shop"], "")):
        with pytest.raises(NotKnown):
            clients.gate.token(identity)
    assert Identity().name == ANYBODY
