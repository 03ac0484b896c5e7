"""Fixtures that several folders of tests share: the peers, other people's programs we check against."""

import base64
import os
import random
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, make_url, text

from canary.store.database import Store
from canary.store.vault import Vault, new_key
from tests.peers import emulate, postgres, prism

# A busy machine is no failure; and what CI tries does not change from one run to the next.
hypothesis.settings.register_profile(
    "canary",
    deadline=None,
    derandomize="CANARY_REQUIRE_PEERS" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("canary")


@contextmanager
def drawn_from(seed: str) -> Iterator[None]:
    """Secrets and keys that follow from `seed`: of a thousand good files `canary check` calls some odd."""
    made = random.Random(f"canary {seed}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_bytes", made.randbytes)
        patch.setattr(Fernet, "generate_key", lambda: base64.urlsafe_b64encode(made.randbytes(32)))
        yield


@pytest.fixture(autouse=True, scope="module")
def the_same_draws_of_a_file(request: pytest.FixtureRequest) -> Iterator[None]:
    """Draw the same lots in every run of a file's own fixtures."""
    with drawn_from(request.node.nodeid):
        yield


@pytest.fixture(autouse=True)
def the_same_draws(request: pytest.FixtureRequest) -> Iterator[None]:
    """Draw the same lots in every run of a test."""
    with drawn_from(request.node.nodeid):
        yield


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
def twilio_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Twilio made of its official specification, started for this session."""
    with prism.mocking(_prism(), tmp_path_factory.mktemp("prism")) as base:
        yield base


@pytest.fixture(scope="session")
def twilio_guard(twilio_emulator: emulate.Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Twilio emulator behind a guard that holds both sides to the official specification."""
    with prism.guarding(_prism(), tmp_path_factory.mktemp("prism"), twilio_emulator.base) as base:
        yield base


def _prism() -> str:
    node = shutil.which("node")
    if node is None or not prism.PRISM.exists() or not prism.SPECIFICATIONS.exists():
        _missing("Prism")
    return node


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A SQLAlchemy URL of a throwaway PostgreSQL cluster, shared by the session."""
    programs = postgres.binaries()
    if programs is None:
        _missing("PostgreSQL 15")
    with postgres.running(programs) as url:
        yield url


@pytest.fixture
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL cluster of the test's own, to stop and crash."""
    programs = postgres.binaries()
    if programs is None:
        _missing("PostgreSQL 15")
    with postgres.cluster(programs) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty registry, once on SQLite and once on PostgreSQL: whoever asks for it is tested on both."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'registry.sqlite3'}"
    else:
        url = fresh_database(request.getfixturevalue("postgres_url"))
    made = Store(url, Vault(new_key()))
    made.migrate()
    yield made
    made.close()


def fresh_database(url: str) -> str:
    """The URL of a new empty database in the cluster behind `url`."""
    name = f"canary_{secrets.token_hex(6)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)
