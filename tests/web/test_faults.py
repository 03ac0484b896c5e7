"""Nothing answered 2xx is lost or doubled: database crashed and restarted, disk full, killed while draining."""

import base64
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
import requests
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from canary.errors import OutsideError
from canary.listen.intake import Intake, _delivered
from canary.listen.providers.base import RawRequest
from canary.settings import Settings, load
from canary.store.database import Store
from canary.store.deliveries import Delivered, keep, opened
from canary.store.schema import Contact, Delivery
from canary.store.spool import Spool
from canary.store.vault import Vault, new_key
from canary.web.app import create_app, intake
from tests.peers.postgres import Cluster
from tests.web.conftest import CALLER, OURS, TOKEN, serving

WAITING = 150
ROOT = Path(__file__).parents[2]


def signed(base: str, number: int) -> tuple[str, dict[str, str], dict[str, str]]:
    """The URL, form and headers of text number so-and-so."""
    url = f"{base}/hooks/twilio/sms"
    form = {"MessageSid": f"SM{number:032x}", "From": CALLER, "To": OURS, "Body": f"奶粉 {number}"}
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    return url, form, {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}


def sid(number: int) -> str:
    return f"SM{number:032x}"


def stored(store: Store) -> tuple[Counter[str], Counter[str]]:
    """How often each text stands there: as a delivery, as a contact."""
    with store.reading() as session:
        requests_ = [opened(session, row).request for row in session.scalars(select(Delivery))]
        bodies = [parse_qs(base64.b64decode(request["body"]).decode()) for request in requests_]
        return Counter(b["MessageSid"][0] for b in bodies), Counter(session.scalars(select(Contact.sid)))


@pytest.mark.peer
def test_a_database_that_crashes_under_load_and_comes_back_loses_and_doubles_nothing(
    postgres_cluster: Cluster, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_DATABASE_URL", postgres_cluster.url)
    settings = load()
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    answered: list[str] = []

    def send(number: int) -> None:
        url, form, headers = signed(f"http://{settings.bind}", number)
        if requests.post(url, data=form, headers=headers, timeout=60).status_code == 200:
            answered.append(sid(number))

    with serving(settings) as server, ThreadPoolExecutor(4) as pool:
        before = [pool.submit(send, number) for number in range(120)]
        before[30].result()
        postgres_cluster.stop("immediate")
        [future.result() for future in before]
        assert requests.get(f"{server.url}/readyz", timeout=60).status_code == 503
        waiting = len(list((settings.folder / "spool").glob("*.sealed")))
        postgres_cluster.start()
        after = [pool.submit(send, number) for number in range(120, 140)]
        [future.result() for future in after]
    assert len(answered) == 140, "the spool took what the database could not"
    assert waiting > 40
    service = intake(settings, store)
    assert service.drain() >= waiting
    monkeypatch.setattr(service, "now", lambda: datetime.now(UTC) + timedelta(hours=1))
    service.resume()
    deliveries, contacts = stored(store)
    assert deliveries == Counter(answered)
    assert contacts == Counter(answered)
    store.close()


def test_a_server_starts_and_takes_requests_while_the_database_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = settings.bind.rpartition(":")[2]  # nobody listens there now
    monkeypatch.setenv("CANARY_DATABASE_URL", f"postgresql+psycopg://canary@127.0.0.1:{port}/canary")
    settings = load()
    client = create_app(settings).test_client()
    _, form, headers = signed(settings.public_url, 1)
    assert client.post("/hooks/twilio/sms", data=form, headers=headers).status_code == 200
    assert len(settings.spool().waiting()) == 1


# --- everything at once ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.usefixtures("twilio_emulator", "postgres_url")  # they say whether the peers are there
def test_while_everything_breaks_nothing_answered_2xx_is_lost_doubled_or_altered(tmp_path: Path) -> None:
    """Reduced; `scripts/acceptance.sh` runs ten minutes on each database."""
    command = [sys.executable, ROOT / "benchmarks" / "faults.py", "--minutes", "0.15", "--longest", "2", "--pace", "4"]
    done = subprocess.run(
        [*command, "--database", "postgresql"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    total = next(line for line in done.stdout.splitlines() if line.startswith("all "))
    sent, answered, stored, *_, lost, doubled, altered = map(int, total.split()[1:])
    assert sent >= answered > 20 and stored > 20
    assert lost == doubled == altered == 0


# --- the disk -------------------------------------------------------------------------------------------------------


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """What a full disk does: a write beyond that many bytes of any file fails."""
    old, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (old, hard))


def test_a_full_disk_is_answered_503_and_what_was_answered_2xx_is_found_once(settings: Settings) -> None:
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    client = create_app(settings).test_client()
    service: Intake = client.application.extensions["intake"]

    def send(number: int) -> int:
        _, form, headers = signed(settings.public_url, number)
        service._resting_until = 0.0
        return client.post("/hooks/twilio/sms", data=form, headers=headers).status_code

    codes = {1: send(1)}
    with files_no_longer_than(4096):  # the database's files are longer, one delivery is not
        codes[2] = send(2)
    with files_no_longer_than(100):
        codes[3] = send(3)
    codes[4] = send(4)
    assert codes == {1: 200, 2: 200, 3: 503, 4: 200}
    assert [path.suffix for path in settings.spool().folder.iterdir()] == [".sealed"], "nothing half-written"
    assert service.drain() == 1
    deliveries, contacts = stored(store)
    assert deliveries == contacts == Counter(map(sid, (1, 2, 4)))
    store.close()


# --- the spool itself -----------------------------------------------------------------------------------------------


@pytest.fixture
def service(store: Store, settings: Settings) -> Intake:
    """An intake over either database, with deliveries waiting in its spool."""
    made = Intake(store, Spool(settings.folder / "spool", store.vault), intake(settings, store).providers, settings.now)
    for number in range(WAITING):
        made.spool.keep(delivery(settings, number))
    return made


def delivery(settings: Settings, number: int) -> Delivered:
    url, form, headers = signed(settings.public_url, number)
    return _delivered("twilio", "sms", RawRequest(url, headers, urlencode(form).encode()))


def in_child(run: Callable[[], object]) -> int:
    """Runs in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os._exit(0)
    return child


def draining(service: Intake) -> Callable[[], int]:
    def run() -> int:
        service.store.engine.dispose(close=False)  # a connection is not shared by a fork
        return service.drain()

    return run


def test_killed_while_draining_and_again_nothing_is_lost_or_doubled_and_the_order_is_kept(service: Intake) -> None:
    for share in (0.8, 0.4):
        child = in_child(draining(service))
        while len(service.spool.waiting()) > WAITING * share:
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    left = len(service.spool.waiting())
    assert 0 < left < WAITING
    assert service.drain() == left
    service.now = lambda: datetime.now(UTC) + timedelta(hours=1)
    service.resume()
    deliveries, contacts = stored(service.store)
    assert deliveries == contacts == Counter(map(sid, range(WAITING)))
    with service.store.reading() as session:
        in_order = [opened(session, row).request["body"] for row in session.scalars(select(Delivery).order_by("id"))]
    assert [parse_qs(base64.b64decode(b).decode())["MessageSid"][0] for b in in_order] == [*map(sid, range(WAITING))]


def test_two_servers_that_drain_at_once_fetch_each_delivery_once(service: Intake) -> None:
    children = [in_child(draining(service)) for _ in range(2)]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert service.spool.waiting() == []
    assert stored(service.store)[0] == Counter(map(sid, range(WAITING)))


def test_a_delivery_that_the_database_has_already_is_not_kept_again(service: Intake, settings: Settings) -> None:
    """What a kill -9 between "committed" and "removed", or a connection lost at the very commit, leaves behind."""
    again = delivery(settings, WAITING)
    with service.store.writing() as session:
        keep(session, again)
    service.spool.keep(again)
    assert service.drain() == WAITING + 1
    assert stored(service.store)[0] == Counter(map(sid, range(WAITING + 1)))


@pytest.mark.parametrize("clock", [0, 10**18 * 4], ids=["1970", "2096"])
def test_a_clock_that_jumps_changes_no_order(
    tmp_path, settings: Settings, monkeypatch: pytest.MonkeyPatch, clock: int
) -> None:
    vault = Vault(new_key())
    kept = [delivery(settings, number) for number in range(4)]
    Spool(tmp_path, vault).keep(kept[0])
    monkeypatch.setattr(time, "time_ns", lambda: clock)
    for one in kept[1:3]:
        Spool(tmp_path, vault).keep(one)
    monkeypatch.undo()
    spool = Spool(tmp_path, vault)
    spool.keep(kept[3])
    assert [spool.read(path) for path in spool.waiting()] == kept


def test_what_another_key_sealed_waits_and_holds_nobody_up(service: Intake, settings: Settings) -> None:
    Spool(service.spool.folder, Vault(new_key())).keep(delivery(settings, 1))
    service.spool.keep(delivery(settings, WAITING))
    assert service.drain() == WAITING + 1
    assert len(service.spool.waiting()) == 1


def test_a_spool_that_cannot_write_says_so_and_leaves_nothing(tmp_path, settings: Settings) -> None:
    spool = Spool(tmp_path / "spool", Vault(new_key()))
    with files_no_longer_than(100), pytest.raises(OutsideError, match="spool: File too large"):
        spool.keep(delivery(settings, 1))
    assert list(spool.folder.iterdir()) == []
