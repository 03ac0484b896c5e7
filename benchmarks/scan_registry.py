"""A registry that holds the personas of `benchmarks/scan.py`, a hundred a copy, so as to time `canary scan` whole."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.scan import Looked, looked
from canary.mint.facts import Persona
from canary.store import placements
from canary.store.database import Store
from canary.store.schema import Copy, Number, NumberState, Recipient
from canary.store.vault import Vault, new_key
from canary.trace.law import Law

NOW = datetime(2026, 2, 1, tzinfo=UTC)
A_COPY = 100


def make(folder: Path, people: Sequence[Looked]) -> None:
    """The registry of a folder: config, key and database."""
    key = new_key()
    (folder / "canary.toml").touch()
    (folder / "canary.key").write_text(key)
    store = Store(f"sqlite:///{folder / 'canary.sqlite3'}", Vault(key))
    store.migrate()
    with store.writing() as session:
        session.add(Recipient(slug="r", name="R", kind="ward"))
        session.flush()
        for start in range(0, len(people), A_COPY):
            some = people[start : start + A_COPY]
            slug = f"copy-{start:07}"
            session.add(Copy(slug=slug, recipient_id=1, date=NOW.date()))
            session.add_all(map(_number(store.vault), some))
            session.flush()
            placements.seal(session, NOW, placements.record(session, NOW, _plan(slug, some)))
    store.close()


def _number(vault: Vault) -> Callable[[Looked], Number]:
    def made(who: Looked) -> Number:
        return Number(
            code=who.number,
            sealed=vault.seal(who.phone),
            fingerprint=vault.fingerprint(who.phone),
            provider="manual",
            monthly_cost=Decimal(0),
            state=NumberState.READY,
            since=NOW,
            quarantined_until=NOW,
        )

    return made


def _plan(slug: str, people: Sequence[Looked]) -> placements.Plan:
    return placements.Plan(
        copy=slug,
        law=Law.EXCLUSIVE,
        opening={},
        commitment="0" * 64,
        drawn=[placements.Drawn(who.number, True, Persona((), who.facts), row) for row, who in enumerate(people)],
        inherited=(),
        window=timedelta(days=180),
        file_name=f"{slug}.csv",
        file_sha256="0" * 64,
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]), looked(int(sys.argv[2])))
