"""Facts about documents exchanged between agencies (edXML, QCVN 102:2016), keyed by DocumentId.

DocumentId is `{OrganId},{yyyy/MM/dd},{number}/{notation}`, unique by construction.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.codes import DocumentStatus, RecallAnswer
from schemas.events.base import (
    AgencyCode,
    Code,
    Correctable,
    Event,
    Restored,
    ThingId,
    Voided,
)


class DocumentEvent(Event):
    """Base of every fact about a document."""

    key: ClassVar[str] = "document_id"
    family: ClassVar[str] = "documents"

    document_id: ThingId


class CorrectableDocumentEvent(DocumentEvent, Correctable):
    """A fact about a document that can be put right."""


class DocumentSent(CorrectableDocumentEvent):
    """The document went out; `agency` is the sender."""

    type: ClassVar[str] = "document.sent"

    to: Annotated[
        list[AgencyCode], Field(min_length=1, max_length=500, description="Receiving agencies")
    ]
    document_type: Code = Field(
        "other", description="DocumentType.Type, such as 18 for an official letter"
    )
    electronic: bool = Field(description="Sent electronically")
    signed: bool = Field(description="Signed digitally")


class DocumentStatusChanged(CorrectableDocumentEvent):
    """A receiver's answer; `agency` is the receiver."""

    type: ClassVar[str] = "document.status_changed"

    status: DocumentStatus = Field(
        description=(
            "StatusCode: 01 arrived, 02 refused, 03 accepted, 04 assigned, 05 processing, 06"
            " completed"
        )
    )


class DocumentRecalled(CorrectableDocumentEvent):
    """The sender asked for the document back, or the counterpart answered (StatusCode 13, 15,
    16).
    """

    type: ClassVar[str] = "document.recalled"

    answer: RecallAnswer = "asked"


class DocumentVoided(DocumentEvent, Voided):
    """The document was entered by mistake: it counts nowhere, but is listed as voided."""

    type: ClassVar[str] = "document.voided"


class DocumentRestored(DocumentEvent, Restored):
    """The document was voided by mistake: it counts again."""

    type: ClassVar[str] = "document.restored"


EVENTS: tuple[type[DocumentEvent], ...] = (
    DocumentSent,
    DocumentStatusChanged,
    DocumentRecalled,
    DocumentVoided,
    DocumentRestored,
)
