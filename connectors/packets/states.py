"""What is known of a dossier by its packets: the last one without anything of a person, and what
the hub was told because of it. The values of `lgsp.packets`.

MessagePack arrays. Fields are only ever appended, with a default.
"""

from __future__ import annotations

import msgspec

from schemas.codes import ApplicantKind, Channel, ReturnedHow
from schemas.errors import ContractError

# of the portal's ten states
REGISTERED, REFUSED = 1, 3
ENDED_STATES = frozenset((7, 8, 9, 10))


class Packet(msgspec.Struct, array_like=True, frozen=True):
    """A dossier as its last packet says: times in epoch ms, 0 where blank. What each field comes
    from: connectors/packets/fields.py.
    """

    status: int
    procedure: str
    received_at: int = 0
    due_at: int = 0
    ended_at: int = 0
    returned_at: int = 0
    refused_at: int = 0
    channel: Channel | None = None  # None: the packet does not say
    applicant: ApplicantKind | None = None
    returned_how: ReturnedHow = "counter"
    authenticated: bool = False
    papers_digitised: bool = False
    reused_data: bool = False
    from_personal_store: bool = False
    population_data: bool = False
    result_digitised: bool = False
    paid_online: bool = False
    fees: int = 0  # in all, in đồng
    supplements: tuple[tuple[int, int], ...] = ()  # asked for at, came in at (0: not yet)

    @property
    def dated(self) -> bool:
        """Whether it says when it ended."""
        refused_at = self.refused_at if self.status == REFUSED else 0
        return bool(self.ended_at or self.returned_at or refused_at)


class PacketStep(msgspec.Struct, array_like=True, frozen=True, order=True):
    """A processing step: when it was taken, and the dossier's state since."""

    at: int
    status: int


class ReceptionTold(msgspec.Struct, array_like=True, frozen=True):
    """A reception as the hub was told of it."""

    received_at: int
    agency: str
    procedure: str
    channel: Channel
    applicant: ApplicantKind | None
    authenticated: bool
    with_fee: bool
    reused_data: bool
    papers_digitised: bool
    from_personal_store: bool
    population_data: bool
    channel_unknown: bool  # nobody says how it came, so it is told as other


class EndTold(msgspec.Struct, array_like=True, frozen=True):
    """An end: finished, withdrawn, suspended."""

    outcome: str
    at: int
    digitised: bool = False


class ReturnTold(msgspec.Struct, array_like=True, frozen=True):
    """A return of the result."""

    at: int
    how: ReturnedHow = "counter"
    digitised: bool = False


class RefusalTold(msgspec.Struct, array_like=True, frozen=True):
    """A refusal."""

    at: int
    agency: str
    procedure: str


class PaymentTold(msgspec.Struct, array_like=True, frozen=True):
    """A payment."""

    at: int
    amount: int
    online: bool


# an instant at which papers were asked for, or at which they came in
ASKED_FOR, CAME_IN = 1, 2
Instants = tuple[tuple[int, int], ...]


class DossierStanding(msgspec.Struct, array_like=True, frozen=True):
    """What is so of a dossier, as far as packets tell. What the hub was told of, and what a packet
    says, are compared in this form.
    """

    reception: ReceptionTold | None = None
    due_at: int = 0
    end: EndTold | None = None
    returned: ReturnTold | None = None
    refusal: RefusalTold | None = None
    papers: Instants = ()
    fees: tuple[int, ...] = ()  # when each was asked for
    payments: tuple[PaymentTold, ...] = ()  # one for each fee, in order


class LastSaid(msgspec.Struct, array_like=True, frozen=True):
    """When something of each kind was said last, by the time of the fact that said it: what is said
    of an earlier time has to be a correction. 0: never.
    """

    reception: int = 0
    due: int = 0
    end: int = 0
    returned: int = 0
    refusal: int = 0
    reopened: int = 0
    papers: int = 0
    fees: int = 0
    payments: int = 0


class FactUnsent(msgspec.Struct, array_like=True, frozen=True):
    """A fact, kept until Kafka has it: its type and its fields."""

    type: str
    fields: dict[str, str | int | bool | None]


class PacketRecord(msgspec.Struct, array_like=True, frozen=True):
    """All that is kept of one dossier of one client.

    `version` is one more than that of the record that it was made of. Two gateways may make one of
    the same record at a time: then the first in Kafka stands, and whoever made the other one begins
    anew on that. `lineage`: numbers by chance of this record and of those that it was made of, the
    newest first, so that a gateway sees its own in what another one made of it.
    """

    client: str
    dossier_id: str
    version: int = 0
    packet: Packet | None = None  # None: steps came before it
    blanked: bool = False  # its end was taken back by blank dates, though its state is an end's
    steps: tuple[PacketStep, ...] = ()
    # states of packets of which no step has said since when, with when the hub heard of them
    marks: tuple[PacketStep, ...] = ()
    end_heard_at: int = 0  # when the hub heard of an end that has no date
    paid_heard_at: int = 0  # … of a payment that has none
    first_due_at: int = 0  # as the reception says
    standing: DossierStanding = DossierStanding()
    said: LastSaid = LastSaid()
    unsent: tuple[FactUnsent, ...] = ()
    lineage: tuple[int, ...] = ()


def record_key(client: str, dossier_id: str) -> bytes:
    """The Kafka key. Neither part holds the sign between them."""
    return f"{client}|{dossier_id}".encode()


encode_record = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PacketRecord).decode


def decode_record(value: bytes) -> PacketRecord:
    """Raises: ContractError"""
    try:
        return _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"a record of a packet can't be read: {error}") from error
