"""Fixtures that several folders of tests share: the peers, other people's programs we check against."""

import os
import shutil
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.peers import emulate, postgres


def _missing(peer: str) -> NoReturn:
    reason = f"{peer} is missing: run `make peers`"
    if os.environ.get("CANARY_REQUIRE_PEERS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def twilio_emulator() -> Iterator[emulate.Emulator]:
    """The Twilio emulator, started for this session."""
    node = shutil.which("node")
    if node is None or not emulate.SCRIPT.exists():
        _missing("emulate")
    with emulate.running(node) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A SQLAlchemy URL of a throwaway PostgreSQL cluster, shared by the session."""
    programs = postgres.binaries()
    if programs is None:
        _missing("PostgreSQL 15")
    with postgres.running(programs) as url:
        yield url
