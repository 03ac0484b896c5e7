"""What a report shows, as plain values: every renderer reads this and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from canary.trace.verdict import Findings


@dataclass(frozen=True)
class CopyView:
    """One copy: `canaries` planted for it (inherited ones not counted), how many of their numbers `rang`
    with a recognised contact (named or maternal) since the hand-over."""

    slug: str
    recipient: str
    recipient_name: str
    handed_over: date
    made_from: tuple[str, ...]
    canaries: int
    rang: int


@dataclass(frozen=True)
class NumberView:
    """One number: its code (or the number itself when revealed), state, the copy it is planted in."""

    code: str
    state: str
    copy: str | None
    contacts: int
    first_recognised: datetime | None


@dataclass(frozen=True)
class MediaView:
    """A picture or recording that is kept: SHA-256, bytes, type."""

    sha256: str
    size: int
    content_type: str


@dataclass(frozen=True)
class ContactView:
    """One contact as the report shows it; `caller`, `text` and `persona` are "" unless revealed. `paths` are how we
    learned of it, `attested` who vouches for it."""

    id: int
    at: datetime
    channel: str
    kind: str
    number: str
    copy: str | None
    reason: str = ""
    caller: str = ""
    persona: str = ""
    text: str = ""
    paths: tuple[str, ...] = ()
    attested: str = ""
    media: tuple[MediaView, ...] = ()


@dataclass(frozen=True)
class CampaignView:
    """Contacts that belong together, by their ids, called by the first one's: tied `by` callback, link or wording.

    `kinds` counts the contacts of each kind, `senders` the different callers that were told; `numbers` of ours were
    reached, among them `controls`, and of each of `copies` so many canaries. `callers` and `sample` (what its first
    contact with words said) are empty unless revealed.
    """

    first: int
    contacts: tuple[int, ...]
    by: tuple[str, ...]
    kinds: Mapping[str, int]
    channels: tuple[str, ...]
    senders: int
    start: datetime
    end: datetime
    numbers: int
    controls: int
    copies: Mapping[str, int]
    callers: tuple[str, ...] = ()
    sample: str = ""


@dataclass(frozen=True)
class ReportView:
    """A whole report. `commitments` maps copy slug to the hash in the ledger that fixed its draw; of
    `campaigns` those stand first that recognised canaries most."""

    findings: Findings
    copies: tuple[CopyView, ...]
    numbers: tuple[NumberView, ...]
    contacts: tuple[ContactView, ...]
    commitments: Mapping[str, str]
    ledger_head: str
    version: str
    campaigns: tuple[CampaignView, ...] = ()
    simulated: bool = False
    revealed: bool = False
