"""The draw of one copy: which numbers, or which of a lot, are planted, under which personas; nothing is recorded."""

import random
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from canary.errors import CanaryError
from canary.mint.cohort import Mint
from canary.mint.columns import Profile
from canary.mint.facts import Fact, Persona, Table
from canary.mint.ruled import RuledHost
from canary.plant.bulk import Minting
from canary.plant.lot import BLOCK, Lot, settled
from canary.plant.spool import Bulk
from canary.prove.commitment import commitment, opening
from canary.store import lots, placements
from canary.store.database import Store
from canary.store.e164 import digit_forms
from canary.store.lots import Member
from canary.store.placements import Drawn, Plan, Pool
from canary.trace.law import Law, apportion, draw, rank


@dataclass(frozen=True)
class Request:
    """What every order asks of a draw: `count` canaries for `copy` under `law`, watched for `window`."""

    copy: str
    count: int
    window: timedelta
    profile: Profile | None = None
    secret: bytes | None = None
    law: Law = Law.EXCLUSIVE


@dataclass(frozen=True)
class Draft:
    """A draw not on record yet: what each block offered, the numbers drawn, a persona for each of `codes`."""

    secret: bytes
    pools: Mapping[str, Pool]
    codes: Sequence[str]
    planted: set[str]
    personas: Mapping[str, Persona]
    inherited: Sequence[int]
    undeclared: Sequence[str]
    rng: random.Random
    identifying: frozenset[int] = frozenset()

    @property
    def phones(self) -> bool:
        """Whether numbers were drawn, and not labels of a lot."""
        return BLOCK not in self.pools


def draw_up(store: Store, request: Request, table: Table | Bulk, columns: Mapping[Fact, int], mint: Mint) -> Draft:
    """Draw numbers for a copy, or labels of a lot where nobody can be rung, and `mint` their personas in the columns
    of `table`; nothing is recorded.

    Raises CanaryError on a copy seeded already, too few numbers, or a table no persona fits.
    """
    secret = request.secret or secrets.token_bytes(32)
    if Fact.PHONE not in columns:
        return _draw_lot(store, request, table, columns, mint, secret)
    with store.reading() as session:
        placements.unplanted(session, request.copy)
        pools = placements.pools(session, request.law)
        planted, controls = _draw(pools, request.count, secret, request.law)
        e164 = placements.e164_by_code(session, planted | controls)
        inherited = _inherited(table, columns, placements.planted_phones(session))
        undeclared = placements.undeclared(session, request.copy, inherited)
    # Which persona stands on which number is part of the draw: minted one after another, given out at random.
    codes = sorted(planted | controls, key=lambda code: rank(secret, f"persona {code}"))
    rng = random.Random(rank(secret, "personas"))
    personas = dict(zip(codes, mint(rng, [e164[c] for c in codes]), strict=True))
    return Draft(secret, pools, codes, planted, personas, inherited, undeclared, rng)


def _draw_lot(
    store: Store, request: Request, table: Table | Bulk, columns: Mapping[Fact, int], mint: Mint, secret: bytes
) -> Draft:
    lot = Lot.drawn(secret, request.count)
    with store.reading() as session:
        placements.unplanted(session, request.copy)
        inherited = _standing(table, [m for m in lots.members(session) if m.planted])
        undeclared = placements.undeclared(session, request.copy, inherited)
    codes = sorted(lot.labels, key=lambda label: rank(secret, f"persona {label}"))
    rng = random.Random(rank(secret, "personas"))
    minted = dict(zip(codes, mint(rng, [""] * len(codes)), strict=True))
    personas, identifying = settled(minted, lot.planted, table, columns, secret)
    pools = {BLOCK: Pool(lot.labels, ())}
    return Draft(secret, pools, codes, set(lot.planted), personas, inherited, undeclared, rng, identifying)


def _standing(table: Table | Bulk, planted: Sequence[Member]) -> list[int]:
    """The canaries of other lots whose rows stand in a table that has their columns."""
    found: list[int] = []
    for header in {m.header for m in planted if set(m.header) <= set(table.header)}:
        own = {m.cells: m.id for m in planted if m.header == header}
        places = [table.header.index(title) for title in header]
        found += [own[shown] for row in table.rows if (shown := tuple(row[at] for at in places)) in own]
    return found


def host_of(table: Table, columns: Mapping[Fact, int], profile: Profile | None) -> RuledHost:
    """The model personas are drawn from, fitted to the table on its profile's terms."""
    return RuledHost(table, columns, profile or Profile())


def mint_of(host: Minting, columns: Mapping[Fact, int]) -> Mint:
    """How personas are drawn from a host: one a phone, or in a table without phones as many as are asked for."""
    if Fact.PHONE in columns:
        return host.personas
    return lambda rng, phones: host.anonymous_personas(rng, len(phones))


def _draw(pools: Mapping[str, Pool], count: int, secret: bytes, law: Law = Law.EXCLUSIVE) -> tuple[set[str], set[str]]:
    ready = {block: len(pool.ready) for block, pool in pools.items()}
    if count < 1 or count > sum(ready.values()):
        raise CanaryError(
            f"{count} canaries wanted, {sum(ready.values())} numbers ready",
            "import more (`canary number import`), wait for quarantine to end, or ask for fewer (--canaries)",
        )
    shares = apportion(ready, count)
    planted = {code for block, share in shares.items() for code in draw(secret, pools[block].ready, share)}
    spared = {code for block in shares for code in pools[block].controls}
    if law is Law.SHARED:
        spared |= {code for block in shares for code in pools[block].ready} - planted
    return planted, spared


def _inherited(
    table: Table | Bulk, columns: Mapping[Fact, int], planted: Mapping[str, Sequence[tuple[int, str]]]
) -> list[int]:
    # Full parsing of 40,000 phones costs seconds; digits with and without country code are enough to find ours.
    known = {form: canaries for e164, canaries in planted.items() for form in digit_forms(e164)}
    phone, name = columns[Fact.PHONE], columns.get(Fact.NAME)
    found = []
    for row in table.rows:
        canaries = known.get(re.sub(r"\D", "", str(row[phone] or "")), ())
        # A shared number stands under another persona in each copy: the name tells which canary this row is.
        alike = [i for i, persona in canaries if name is not None and persona == str(row[name] or "")]
        found += alike or [i for i, _ in canaries]
    return found


def plan_of(request: Request, draft: Draft, drawn: Sequence[Drawn], name: str, sha256: str) -> Plan:
    """The draw as it is recorded, with its commitment; `name` and `sha256` are of what is handed out."""
    chosen = {d.number for d in drawn if d.planted}
    blocks = {
        block: {
            "ready": list(pool.ready),
            "controls": list(pool.controls),
            "planted": len(chosen & set(pool.ready)),
        }
        for block, pool in draft.pools.items()
    }
    personas = [placements.persona_digest(d.persona, whole=not draft.phones) for d in drawn]
    law = request.law if draft.phones else Law.EXCLUSIVE  # nobody of a lot stands in two
    opened = opening(request.copy, law.value, draft.secret, blocks, personas)
    return Plan(
        copy=request.copy,
        law=law,
        opening=opened,
        commitment=commitment(opened),
        drawn=drawn,
        inherited=draft.inherited,
        window=request.window,
        file_name=name,
        file_sha256=sha256,
        phones=draft.phones,
        identifying=draft.identifying,
    )
