"""`lgsp client`: what it prints, at eighty columns, and what it says to each mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from accesses import BEGINNING, Clients, TopicInMemory
from click.testing import CliRunner, Result
from rich.console import Console

from ops.access import live, run, tell
from ops.cli import cli
from schemas.clock import DAY_MS, HOUR_MS, now_ms
from schemas.errors import HubError
from schemas.settings import Settings, settings
from serving.access.keys import Pepper, parse_key
from serving.access.passwords import prove_password
from serving.access.secrets import pepper_of

TITLES = ("--title-vi", "Hệ thống mẫu", "--title-en", "Sample system")
LOGIN = ("--door", "packets", "--packets-user", "sample")
SENDS = ("--door", "events", "--agency", "P", "--source", "/sample/*", "--family", "dossiers")


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LGSP_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> TopicInMemory:
    """In place of Kafka."""

    async def topics_are_there(_: Settings) -> list[str]:
        return []

    topic = TopicInMemory(Clients())
    monkeypatch.setattr(run, "topic", topic)
    monkeypatch.setattr(run, "ensure_topics", topics_are_there)
    return topic


def client(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["client", *arguments], **options)


def add(name: str = "shop", *more: str, **options: Any) -> Result:
    done = client("add", name, *TITLES, *(more or SENDS), **options)
    assert done.exit_code == 0, done.output
    return done


def test_a_new_client_begins_in_the_sandbox_and_it_is_said(kept: TopicInMemory) -> None:
    said = add("shop").output
    assert "nothing that it sends is official until `lgsp client live shop --keep`" in said
    assert kept.clients.register.clients["shop"].stage == "sandbox"
    for told in (client("list"), client("show", "shop")):
        assert "nothing that it sends is official" in " ".join(told.output.split())
    add("other", *SENDS, "--live")
    assert kept.clients.register.clients["other"].stage == "live"


def test_live_asks_what_becomes_of_what_was_sent() -> None:
    add("shop")
    assert "--keep" in client("live", "shop").output
    assert client("live", "shop").exit_code != 0


def test_dropped_it_is_live_at_once_and_not_twice(
    kept: TopicInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def topics_are_there(_: Settings) -> list[str]:
        return []

    monkeypatch.setattr(live, "topic", kept)
    monkeypatch.setattr(live, "ensure_topics", topics_are_there)
    add("shop")
    done = client("live", "shop", "--drop", "--yes")
    assert done.exit_code == 0
    assert "No conformance run of shop is known" in done.output
    assert kept.clients.register.clients["shop"].stage == "live"
    again = client("live", "shop", "--drop", "--yes")
    assert again.exit_code == 1
    assert "not in the sandbox" in again.output


def test_a_sandbox_has_no_clients_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_SPACE", "sandbox")
    settings.cache_clear()
    for arguments in (
        ("list",),
        ("add", "shop", *TITLES, *SENDS),
        ("live", "shop", "--drop", "--yes"),
    ):
        done = client(*arguments)
        assert "its hub are those of the space that it belongs to" in done.output


def key_in(done: Result) -> str:
    (found,) = re.findall(r"^(lgsp_\w+)$", done.stdout, re.MULTILINE)
    return str(found)


def test_a_key_is_shown_once_and_proves_itself(kept: TopicInMemory, tmp_path: Path) -> None:
    done = add()
    key = parse_key(key_in(done))
    assert key is not None
    assert "shown once" in done.stdout
    stored = kept.clients.register.clients["shop"]
    assert Pepper(pepper_of(Settings(data=tmp_path))).proves(key, stored.keys[0])
    for command in (("list",), ("show", "shop"), ("list", "--json"), ("show", "shop", "--json")):
        shown = client(*command).stdout
        assert key.id in shown
        assert key.secret not in shown
        assert stored.keys[0].digest not in shown


def test_a_key_alone_is_for_scripts() -> None:
    assert re.fullmatch(r"lgsp_\w+\n", add("shop", *SENDS, "--only-key").stdout)


def test_the_first_operator_needs_nothing_but_a_name(kept: TopicInMemory) -> None:
    done = add("operator", "--role", "operator")
    assert "/v1/clients" in done.stdout
    assert kept.clients.register.clients["operator"].role == "operator"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "Shop", *TITLES, *SENDS), "name: a client's name has small letters"),
        (("add", "shop", *SENDS), "title_vi: say what officials call it"),
        (("add", "shop", *TITLES), "doors: it may do nothing"),
        (("add", "shop", *TITLES, *SENDS, "--door", "window"), "'window' is not one of"),
        (("add", "shop", *TITLES, *SENDS, "--days", "0"), ""),
        (("add", "shop", *TITLES, *SENDS, "--packets-source", "s"), "begins with its user"),
        (("show", "nobody"), "no client is called nobody; `lgsp client list`"),
        (("rotate", "nobody"), "no client is called nobody"),
        (("revoke", "nobody", "--yes"), "no client is called nobody"),
        (("rotate", "nobody", "--old-until", "tomorrow"), "--old-until should be a day"),
    ],
)
def test_each_mistake_is_said(arguments: tuple[str, ...], said: str) -> None:
    done = client(*arguments)
    assert (done.exit_code != 0) == bool(said)
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_name_twice_is_refused() -> None:
    add()
    done = client("add", "shop", *TITLES, *SENDS)
    assert done.exit_code == 1
    assert "registered already" in done.output


def test_a_rotation_keeps_the_old_key_for_a_week_or_as_told(kept: TopicInMemory) -> None:
    add()
    for options, seconds in (((), 7 * 86_400), (("--old-until", "12h"), 12 * 3_600)):
        assert client("rotate", "shop", *options).exit_code == 0
        newest = kept.clients.register.clients["shop"].keys
        left = (newest[0].expires_at - now_ms()) / 1000
        assert left == pytest.approx(seconds, abs=60)
    past = client("rotate", "shop", "--old-until", "2026-01-31")
    assert (past.exit_code, "is over" in past.output) == (1, True)
    assert len(kept.clients.register.clients["shop"].keys_at(now_ms())) == 3
    assert client("rotate", "shop", "--old-until", "now").exit_code == 0
    assert len(kept.clients.register.clients["shop"].keys_at(now_ms())) == 1


def test_rights_are_changed_and_shown(kept: TopicInMemory) -> None:
    add()
    before = kept.clients.register.clients["shop"]
    shown = client("change", "shop", "--agency", "U.2", "--agency", "T").stdout
    assert "U.2, T" in shown
    after = kept.clients.register.clients["shop"]
    assert (after.agencies, after.keys) == (("U.2", "T"), before.keys)
    nothing = client("change", "shop")
    assert nothing.exit_code == 1
    assert "nothing to change was named" in nothing.output


def test_what_is_revoked_is_gone_from_the_list(kept: TopicInMemory) -> None:
    add()
    asked = client("revoke", "shop", input="n\n")
    assert kept.clients.register.clients["shop"].revoked_at is None
    assert asked.exit_code == 1
    key = kept.clients.register.clients["shop"].keys[0].id
    assert (
        f"The key {key} of shop is revoked"
        in client("revoke", "shop", "--key", key, "--yes").stdout
    )
    assert client("revoke", "shop", "--yes").exit_code == 0
    assert "shop" not in client("list").stdout
    assert "revoked" in client("list", "--all").stdout


def test_a_login_for_packets_has_its_password_hashed(kept: TopicInMemory) -> None:
    options = (
        "--door",
        "packets",
        "--packets-user",
        "sample",
        "--packets-source",
        "/sample/packets",
    )
    done = add("shop", *SENDS, *options, "--packets-password-file", "-", input="mật khẩu mẫu 123\n")
    assert "mật khẩu" not in done.output
    packets = kept.clients.register.clients["shop"].packets
    assert packets is not None
    assert prove_password(packets.password, "mật khẩu mẫu 123")
    assert packets.success_code == "0"
    shown = client("show", "shop", "--json").stdout
    assert "argon2" not in shown
    assert json.loads(shown)["packets"]["user"] == "sample"


@pytest.mark.parametrize(
    ("written", "code"), [('"00"', "00"), ("00", "00"), ("0", 0), ('"0"', "0")]
)
def test_a_success_code_is_text_or_a_number(kept: TopicInMemory, written: str, code: Any) -> None:
    options = (
        "--door",
        "packets",
        "--packets-user",
        "sample",
        "--packets-source",
        "/sample/s",
        "--success-code",
        written,
    )
    add("shop", *SENDS, *options, "--packets-password-file", "-", input="x" * 12)
    packets = kept.clients.register.clients["shop"].packets
    assert packets is not None
    assert packets.success_code == code
    assert type(packets.success_code) is type(code)


def test_a_short_password_is_refused() -> None:
    options = (*LOGIN, "--packets-source", "/sample/s")
    done = client(
        "add", "shop", *TITLES, *SENDS, *options, "--packets-password-file", "-", input="short"
    )
    assert done.exit_code == 1
    assert "12 to 256 characters" in done.output


# Tables


def lines_of(show: Callable[[Console], None]) -> list[str]:
    console = Console(file=StringIO(), width=80)
    show(console)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_the_list_fits_eighty_columns_and_tells_what_ends_soon(kept: TopicInMemory) -> None:
    long = "a-name-that-is-as-long-as-names-may-be-" + "x" * 20
    add(long, *SENDS, "--agency", "000.00.01.SAMPLE.WITH.A.LONG.CODE", "--days", "6")
    add("never-used")
    clients = kept.clients.register.clients
    now = now_ms() + HOUR_MS
    used = {clients[long].keys[0].id: now}

    def show(console: Console) -> None:
        tell.listed(console, list(clients.values()), used, now, Settings())

    lines = lines_of(show)
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "never" in text
    ending = " ".join(" ".join(lines).split())
    assert f"{long}: the key {clients[long].keys[0].id} ends on" in ending
    assert "in 5 days" in ending
    assert "never-used: the key" not in text


def test_the_list_tells_who_has_no_key_any_more(kept: TopicInMemory) -> None:
    add("shop", *SENDS, "--days", "1")
    now = now_ms() + 2 * DAY_MS
    clients = [*kept.clients.register.clients.values()]
    text = " ".join(lines_of(lambda one: tell.listed(one, clients, {}, now, Settings())))
    assert "shop: no key of it is valid; lgsp client rotate shop." in " ".join(text.split())


def test_one_client_whole_fits_too(kept: TopicInMemory) -> None:
    add("shop", *SENDS, *(part for n in range(20) for part in ("--agency", f"000.00.{n}.SAMPLE")))
    shop = kept.clients.register.clients["shop"]
    lines = lines_of(lambda one: tell.shown_whole(one, shop, {}, now_ms()))
    assert max(map(len, lines)) <= 80
    assert "last used never" in " ".join(" ".join(lines).split())


def test_without_clients_it_is_said_how_to_make_one() -> None:
    assert "`lgsp client add` makes one" in client("list").stdout


@pytest.mark.parametrize(
    ("text", "after"),
    [("2026-12-31", "2027-01-01T00:00"), ("2026-12-31T08:00", "2026-12-31T08:00")],
)
def test_a_day_is_over_at_its_end(text: str, after: str) -> None:
    assert run.until(text, BEGINNING) == run.until(after, BEGINNING)


def test_what_is_no_time_is_refused() -> None:
    for text in ("", "31/12/2026", "9999-12-31", "7x"):
        with pytest.raises(HubError, match="--old-until should be"):
            run.until(text, BEGINNING)


def test_the_record_of_a_client_is_small(kept: TopicInMemory) -> None:
    """Far below what a topic takes, with as much as can be given."""
    agencies = tuple(f"000.00.{number:04}.SAMPLE" for number in range(1_000))
    add("shop", *SENDS, *(part for one in agencies for part in ("--agency", one)))
    assert len(msgspec.json.encode(kept.clients.register.clients["shop"])) < 100_000
