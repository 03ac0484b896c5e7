"""The tables of running the service: leases, rented numbers, incidents, alerts, drills. No evidence is in them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from canary.store.base import Base


class Lease(Base):
    """Who runs the jobs: one scheduler at a time."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    until: Mapped[datetime]


class Rental(Base):
    """A number that a provider rents to us, by the provider's id."""

    __tablename__ = "rental"
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"), primary_key=True)
    sid: Mapped[str] = mapped_column(String(64), unique=True)


class Greeted(Base):
    """A number that answers calls in its own way."""

    __tablename__ = "greeting"
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"), primary_key=True)
    sealed: Mapped[bytes]


class Purchase(Base):
    """A number we are about to buy, kept before the provider is asked: if its answer is lost, we know what to look
    for. Gone once the number is held, or known not to have been bought."""

    __tablename__ = "purchase"
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    sealed: Mapped[bytes]
    at: Mapped[datetime]


class Incident(Base):
    """Something that is wrong or new, alerted once: `state` is what was said of it last, `count` how often it was
    met since. Texts hold codes only."""

    __tablename__ = "incident"
    __table_args__ = (UniqueConstraint("scope", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(200))
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    count: Mapped[int] = mapped_column(default=1)


class Alerted(Base):
    """A contact whose sender was looked at for alerts."""

    __tablename__ = "alerted"
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), primary_key=True)


class Alert(Base):
    """One alert for one channel, kept until it is delivered; `key` is the same for every try."""

    __tablename__ = "alert"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    channel: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    scope: Mapped[str] = mapped_column(String(20))
    severity: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(4000))
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(300), default="")


class Drill(Base):
    """A text to ourselves: when each step of the chain was reached, in seconds after it was sent; `problem` is where
    it broke, "" if it did not."""

    __tablename__ = "drill"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    number_id: Mapped[int] = mapped_column(ForeignKey("number.id"))
    path: Mapped[str] = mapped_column(String(12), default="")
    stored: Mapped[float | None]
    sorted: Mapped[float | None]
    judged: Mapped[float | None]
    problem: Mapped[str] = mapped_column(String(300), default="")
