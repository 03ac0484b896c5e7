"""The SQLAlchemy tables. `Sealed` columns hold Fernet tokens; `fingerprint` columns keyed hashes."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from canary.store.base import Base


class NumberState(StrEnum):
    """The life of a number (DESIGN §2)."""

    QUARANTINE = "quarantine"
    READY = "ready"
    CONTROL = "control"
    PLANTED = "planted"
    BURNED = "burned"
    COOLING = "cooling"
    RELEASED = "released"


class PlacementState(StrEnum):
    """A placement is drawn (committed in the ledger), then sealed once its file has appeared."""

    DRAWN = "drawn"
    SEALED = "sealed"
    VOID = "void"


class Meta(Base):
    """Facts about this registry: key check, whether its clock is simulated."""

    __tablename__ = "meta"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[bytes]


class Recipient(Base):
    """Who was handed data; `parent` makes the tree."""

    __tablename__ = "recipient"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("recipient.id"))
    parent: Mapped["Recipient | None"] = relationship(remote_side=[id])


class Copy(Base):
    """One hand-over: this recipient, this date."""

    __tablename__ = "copy"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipient.id"))
    date: Mapped[date]
    recipient: Mapped[Recipient] = relationship()
    sources: Mapped[list["Copy"]] = relationship(
        secondary="copy_source",
        primaryjoin="Copy.id == CopySource.copy_id",
        secondaryjoin="Copy.id == CopySource.source_id",
        order_by="Copy.slug",
    )
    placement: Mapped["Placement | None"] = relationship(
        primaryjoin="and_(Copy.id == Placement.copy_id, Placement.state != 'void')",
        viewonly=True,
        uselist=False,
    )


class CopySource(Base):
    """An edge of the copy graph: `copy_id` was made from `source_id`."""

    __tablename__ = "copy_source"
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("copy.id"), primary_key=True)


class Number(Base):
    """A telephone number we hold; `block` groups numbers whose split into ready and control was one draw.
    `noisy` is set at its first recognised contact and never cleared, whatever is thought of it later."""

    __tablename__ = "number"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    sealed: Mapped[bytes]
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    provider: Mapped[str] = mapped_column(String(40))
    monthly_cost: Mapped[Decimal] = mapped_column(Numeric(10, 4))
    state: Mapped[str] = mapped_column(String(12), index=True)
    since: Mapped[datetime]
    quarantined_until: Mapped[datetime]
    block: Mapped[str | None] = mapped_column(String(60))
    noisy: Mapped[bool] = mapped_column(default=False)


class Placement(Base):
    """The secret draw of one copy; `spec` is its law with sizes, `sealed_opening` opens the `commitment`.
    `sealed_dues` are the personas' due dates by number: one decryption a copy instead of one a canary."""

    __tablename__ = "placement"
    id: Mapped[int] = mapped_column(primary_key=True)
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"), index=True)
    state: Mapped[str] = mapped_column(String(8))
    law: Mapped[str] = mapped_column(String(12))
    sealed_opening: Mapped[bytes]
    commitment: Mapped[str] = mapped_column(String(64))
    drawn_at: Mapped[datetime]
    window_days: Mapped[int]
    sealed_dues: Mapped[bytes | None]
    file_name: Mapped[str] = mapped_column(String(255))
    file_sha256: Mapped[str] = mapped_column(String(64))
    copy: Mapped[Copy] = relationship()
    canaries: Mapped[list["Canary"]] = relationship(back_populates="placement", order_by="Canary.id")


class Hosted(Base):
    """What a placement put into a database: tables, and a digest of each row, for finishing or undoing it."""

    __tablename__ = "hosted"
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), primary_key=True)
    sealed_receipt: Mapped[bytes]


class Lot(Base):
    """Every persona minted for a copy without phones, with her cells: those planted, and the shadows beside them.
    Which of the lot were planted is the draw."""

    __tablename__ = "lot"
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), primary_key=True)
    sealed_rows: Mapped[bytes]


class Canary(Base):
    """One number in one placement: `planted` in the copy under its persona, or a control with the shadow
    persona it would have carried (so that planted and control numbers are judged alike). In a copy without phones
    only what is planted has a canary, with the `label` of its persona in the lot and no number."""

    __tablename__ = "canary"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), index=True)
    number_id: Mapped[int | None] = mapped_column(ForeignKey("number.id"), index=True)
    label: Mapped[str | None] = mapped_column(String(12))
    planted: Mapped[bool]
    sealed_persona: Mapped[bytes]
    row: Mapped[int | None]
    placement: Mapped[Placement] = relationship(back_populates="canaries")
    number: Mapped[Number | None] = relationship()


class Inherited(Base):
    """A canary of another copy that already stood in the file this copy was made from."""

    __tablename__ = "inherited"
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"), primary_key=True)
    canary_id: Mapped[int] = mapped_column(ForeignKey("canary.id"), primary_key=True)


class Appearance(Base):
    """A canary's row as it was written into one placement's file: planted there, or carried on from the copy before.
    `row` counts the file's data rows from 0."""

    __tablename__ = "appearance"
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), primary_key=True)
    canary_id: Mapped[int] = mapped_column(ForeignKey("canary.id"), primary_key=True)
    row: Mapped[int]
    sealed_cells: Mapped[bytes]
    canary: Mapped[Canary] = relationship()


class Delivery(Base):
    """A raw request as it came, kept before anything could reject it. Append-only."""

    __tablename__ = "delivery"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    provider: Mapped[str] = mapped_column(String(40))
    endpoint: Mapped[str] = mapped_column(String(40))
    sealed_request: Mapped[bytes]
    key: Mapped[str | None] = mapped_column(String(32), index=True, unique=True)


class Outcome(Base):
    """What became of a delivery: its signature, and an error if it could not be read."""

    __tablename__ = "delivery_outcome"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    signature: Mapped[str] = mapped_column(String(8), index=True)
    error: Mapped[str] = mapped_column(String(500), default="")


class Spent(Base):
    """A stamp that may come with one body only, as keyed hashes: whoever captured it cannot put it under another."""

    __tablename__ = "spent"
    stamp: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[str] = mapped_column(String(64))


class Contact(Base):
    """One thing heard, keyed by the provider's id; `number_id` is None when we do not hold the number."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("provider", "sid"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    sid: Mapped[str] = mapped_column(String(80))
    number_id: Mapped[int | None] = mapped_column(ForeignKey("number.id"), index=True)
    at: Mapped[datetime]
    channel: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[bytes]
    sender_fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    number: Mapped[Number | None] = relationship()


class Part(Base):
    """What arrived later about a contact: status, recording, transcription. Keyed, so order does not matter."""

    __tablename__ = "part"
    __table_args__ = (UniqueConstraint("provider", "sid", "part"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    sid: Mapped[str] = mapped_column(String(80))
    part: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    sealed: Mapped[bytes]


class ContactPath(Base):
    """By which path we learned of a contact (webhook, stream, backfill, hand), and when first."""

    __tablename__ = "contact_path"
    provider: Mapped[str] = mapped_column(String(40), primary_key=True)
    sid: Mapped[str] = mapped_column(String(80), primary_key=True)
    path: Mapped[str] = mapped_column(String(12), primary_key=True)
    at: Mapped[datetime]


class Looked(Base):
    """A part that was searched for media to download."""

    __tablename__ = "looked"
    part_id: Mapped[int] = mapped_column(ForeignKey("part.id"), primary_key=True)


class Media(Base):
    """A picture or recording that belongs to a contact, by the provider's id: `waiting` to be downloaded, `kept`
    (encrypted), `gone` from the provider, or `refused` for its size. `sha256` and `size` are those of the bytes as they
    came; `discarded_at` is when the provider deleted its own."""

    __tablename__ = "media"
    __table_args__ = (UniqueConstraint("provider", "sid", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    sid: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(8), index=True)
    next_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    kept_at: Mapped[datetime | None]
    content_type: Mapped[str] = mapped_column(String(80), default="")
    size: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(String(64), default="")
    sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    discarded_at: Mapped[datetime | None]


class Review(Base):
    """What the provider's own log says of a delivery in quarantine: confirmed or refuted."""

    __tablename__ = "delivery_review"
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    result: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]


class Triage(Base):
    """The kind of a contact, derived and recomputable; `basis` tells from what it was derived."""

    __tablename__ = "triage"
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    basis: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(12), index=True)
    reason: Mapped[str] = mapped_column(String(200))


class Naming(Base):
    """A contact that used facts of this canary's persona, on whichever number of its release. Derived."""

    __tablename__ = "naming"
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    canary_id: Mapped[int] = mapped_column(ForeignKey("canary.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(String(200))


class Factor(Base):
    """A factor of a copy's score, counted once and kept as it was: a later look continues where this one
    stopped (DESIGN 4.1). The ids give the order of counting."""

    __tablename__ = "factor"
    __table_args__ = (UniqueConstraint("placement_id", "number_id", "event"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), index=True)
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"))
    event: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(10))
    names: Mapped[list[str]] = mapped_column(JSON)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))


class Find(Base):
    """Files that turned up, scanned together: what they say of each copy, judged once with the copies there were.
    `digest` of the files keeps one find from counting twice."""

    __tablename__ = "find"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[datetime]
    rows: Mapped[int]
    sealed_copies: Mapped[bytes]


class Allowed(Base):
    """A caller who may ring (a clinic's reminder line): contacts from it until `removed_at` are `authorised`."""

    __tablename__ = "allowed"
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed: Mapped[bytes]
    note: Mapped[str] = mapped_column(String(200))
    removed_at: Mapped[datetime | None]


class Permitted(Base):
    """An entry of the calendar of permitted contacts: who (a caller's `fingerprint`) or how (a `channel`) may come from
    `starts` until before `ends` or `removed_at`; an empty one stands for any. Such contacts are `authorised`."""

    __tablename__ = "permitted"
    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str | None] = mapped_column(String(64), index=True)
    sealed: Mapped[bytes | None]
    channel: Mapped[str | None] = mapped_column(String(10))
    starts: Mapped[datetime]
    ends: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200))
    removed_at: Mapped[datetime | None]


class ExclusionQuestion(Base):
    """One question whether a row is a canary, asked by whom and of whom as keyed hashes only; a refused one
    (`answered` false) came after too many."""

    __tablename__ = "exclusion_question"
    __table_args__ = (Index("ix_exclusion_question_asker_at", "asker", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    asker: Mapped[str] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(String(64))
    answered: Mapped[bool]


class LedgerEntry(Base):
    """One entry of the append-only, hash-chained ledger."""

    __tablename__ = "ledger"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40), index=True)
    payload: Mapped[dict[str, Any]]
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


Index("ix_contact_number_at", Contact.number_id, Contact.at)
