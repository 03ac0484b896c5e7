"""The lease that lets one scheduler run the jobs, however many are started."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from canary.store.operation import Lease


def acquire(session: Session, name: str, holder: str, now: datetime, lasting: timedelta) -> bool:
    """Take or renew the lease for `lasting`; False while somebody else's has not run out."""
    lease = session.get(Lease, name, with_for_update=True)
    if lease is None:
        session.add(Lease(name=name, holder=holder, until=now + lasting))
        return True
    if lease.holder != holder and lease.until > now:
        return False
    lease.holder, lease.until = holder, now + lasting
    return True


def until(session: Session, name: str) -> datetime | None:
    """When a lease ends or ended, None if nobody ever took it."""
    lease = session.get(Lease, name)
    return lease.until if lease else None


def give_back(session: Session, name: str, holder: str, now: datetime) -> None:
    """End our own lease so that the next scheduler need not wait."""
    lease = session.get(Lease, name)
    if lease is not None and lease.holder == holder:
        lease.until = now
