"""Reading back Twilio's log from its emulator, through the official client: nothing missed, forgeries told apart."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from canary.cli.main import cli
from canary.listen import reconcile as logs
from canary.listen.intake import Intake
from canary.listen.providers import twilio_log
from canary.listen.providers.base import RawRequest
from canary.listen.providers.kannel import KannelProvider
from canary.listen.providers.twilio import TwilioProvider
from canary.listen.providers.twilio_log import TwilioLog
from canary.schedule import run_job
from canary.settings import load
from canary.store import contacts, deliveries, ledger
from canary.store.database import Store
from canary.store.schema import Contact, Outcome, Part, Review
from canary.store.spool import Spool
from canary.store.vault import Vault, new_key
from tests.listen.cases import FORM
from tests.peers.emulate import ACCOUNT, TOKEN, Emulator
from tests.peers.played import Played

pytestmark = pytest.mark.peer

CALLER = "+8613800138000"
DEAD = "http://127.0.0.1:9/hooks/twilio"  # nobody listens: what is sent there is only in Twilio's log
BACK = timedelta(days=3)


class Front(ThreadingHTTPServer):
    """The emulator's API, and before it the recordings that it has not; `broken` makes those fail."""

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.behind = behind
        self.recordings: list[dict[str, str]] = []
        self.broken = False
        self.asked: list[str] = []


class _Forward(Played):
    server: Front

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if urlsplit(self.path).path.endswith("/Recordings.json"):
            status, body = (500, b"{}") if self.server.broken else (200, self._recordings())
        else:
            headers = {"Authorization": self.headers["Authorization"]}
            answer = requests.get(self.server.behind + self.path, headers=headers, timeout=60)
            status, body = answer.status_code, answer.content
        self.answer(status, body, {"Content-Type": "application/json"})

    def _recordings(self) -> bytes:
        return json.dumps({"recordings": self.server.recordings, "next_page_uri": None}).encode()


@pytest.fixture
def front(twilio_emulator: Emulator) -> Iterator[Front]:
    with Front(twilio_emulator.base) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=60)


def provider(front: Front) -> TwilioProvider:
    return TwilioProvider(TOKEN, log=TwilioLog(ACCOUNT, TOKEN, front.base))


def listening(store: Store, front: Front, hours_ago: float) -> Intake:
    """A server whose requests came that long ago, yet after the emulator logged them."""
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    spool = Spool(Path(store.engine.url.database or "").parent / "spool", store.vault)
    return Intake(store, spool, {"twilio": provider(front)}, lambda: at)


def reconciled(store: Store, front: Front) -> logs.Reconciled:
    (found,) = logs.reconcile(store, {"twilio": provider(front)}, datetime.now(UTC), BACK)
    return found


def came(store: Store) -> dict[str, tuple[str, list[str]]]:
    """By sid: what was heard, and by which paths we know."""
    with store.reading() as session:
        found = contacts.contacts(session)
        heard, paths = contacts.heard(session, found), contacts.paths(session, found)
        return {c.sid: (heard[c.id][0], paths[c.id]) for c in found}


def receive(intake: Intake, sid: str, to: str, body: str, token: str) -> int:
    url = "https://h/hooks/twilio/sms"
    form = {"MessageSid": sid, "From": CALLER, "To": to, "Body": body}
    headers = {"content-type": FORM, "x-twilio-signature": RequestValidator(token).compute_signature(url, form)}
    return intake.receive("twilio", "sms", RawRequest(url, headers, urlencode(form).encode())).status


def test_what_came_while_we_were_dead_is_added_once_with_its_time_words_and_recording(
    registry: Store, front: Front, twilio_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_log, "PAGE", 2)  # so that the client has pages to turn
    twilio_emulator.buy("+14155550101", DEAD)
    texts = [twilio_emulator.text(CALLER, "+14155550101", f"奶粉 🍼 {number}") for number in range(5)]
    call = twilio_emulator.call(CALLER, "+14155550101")
    twilio_emulator.call_status(call, "completed")
    front.recordings = [{"sid": "RE1", "call_sid": call, "status": "completed", "duration": "40"}]

    first = reconciled(registry, front)
    assert (first.added >= 6, first.problem) == (True, "")
    found = came(registry)
    assert {sid: found[sid] for sid in texts} == {
        sid: (f"奶粉 🍼 {number}", ["backfill"]) for number, sid in enumerate(texts)
    }
    assert found[call] == ("", ["backfill"])
    with registry.reading() as session:
        parts = set(session.scalars(select(Part.part).where(Part.sid == call)))
        assert parts == {"contact:log", "status:completed", "recording:RE1:completed"}
        ages = [datetime.now(UTC) - at for at in session.scalars(select(Contact.at).where(Contact.sid.in_(texts)))]
        assert all(timedelta(seconds=-2) < age < timedelta(minutes=5) for age in ages)
        before = len(list(ledger.entries(session, "reconciled")))
    assert before == 1
    assert (reconciled(registry, front).added, came(registry)) == (0, found)
    with registry.reading() as session:
        assert len(list(ledger.entries(session, "reconciled"))) == 1
    filters = [parse_qs(urlsplit(path).query) for path in front.asked]
    starts = [
        v[0][:10] for query in filters for k, v in query.items() if k in ("DateSent>", "StartTime>", "DateCreated>")
    ]
    oldest = (datetime.now(UTC) - BACK - timedelta(days=1)).date().isoformat()
    assert len(starts) >= 6 and set(starts) == {oldest}, "a whole day more than asked for: filters know days only"


def test_a_webhook_and_the_log_are_one_contact_that_tells_both_paths(
    registry: Store, front: Front, twilio_emulator: Emulator
) -> None:
    twilio_emulator.buy("+14155550102", DEAD)
    sid = twilio_emulator.text(CALLER, "+14155550102", "月子中心")
    assert receive(listening(registry, front, 0), sid, "+14155550102", "月子中心", TOKEN) == 200
    reconciled(registry, front)
    assert came(registry)[sid] == ("月子中心", ["backfill", "webhook"])


def test_quarantined_requests_are_confirmed_or_refuted_by_the_log(
    registry: Store, front: Front, twilio_emulator: Emulator
) -> None:
    """A wrong token in the settings quarantines the true and the forged alike."""
    twilio_emulator.buy("+14155550103", DEAD)
    sid = twilio_emulator.text(CALLER, "+14155550103", "月子中心")
    long_ago, just_now = listening(registry, front, 2), listening(registry, front, 0)
    requests_ = [
        (long_ago, sid, "月子中心", logs.CONFIRMED),
        (long_ago, sid, "other words", logs.REFUTED),
        (long_ago, "SM" + "0" * 32, "月子中心", logs.REFUTED),
        (just_now, "SM" + "1" * 32, "月子中心", None),  # the log may be late
    ]
    for intake, claimed, body, _ in requests_:
        assert receive(intake, claimed, "+14155550103", body, "another token") == 403
    found = reconciled(registry, front)
    assert (found.confirmed, found.refuted) == (1, 2)
    with registry.reading() as session:
        query = select(Review.result).select_from(Outcome).outerjoin(Review, Review.delivery_id == Outcome.delivery_id)
        results = list(session.scalars(query.order_by(Outcome.delivery_id)))
        assert results == [result for *_, result in requests_]
        assert deliveries.quarantined(session) == 3
    assert came(registry)[sid] == ("月子中心", ["backfill", "confirmed"])
    assert "SM" + "0" * 32 not in came(registry)
    again = reconciled(registry, front)
    assert (again.added, again.confirmed, again.refuted) == (0, 0, 0)


def test_a_log_that_breaks_off_gives_what_it_had_and_refutes_nothing(
    registry: Store, front: Front, twilio_emulator: Emulator
) -> None:
    twilio_emulator.buy("+14155550104", DEAD)
    sid = twilio_emulator.text(CALLER, "+14155550104", "月子中心")
    receive(listening(registry, front, 2), "SM" + "0" * 32, "+14155550104", "x", "another token")
    front.broken = True
    found = reconciled(registry, front)
    assert "Twilio's log" in found.problem and found.refuted == 0
    assert sid in came(registry)
    front.broken = False
    assert reconciled(registry, front).refuted == 1


def test_what_we_sent_is_no_contact(registry: Store, front: Front, twilio_emulator: Emulator) -> None:
    twilio_emulator.buy("+14155550105", DEAD)
    sent = twilio_emulator.client.messages.create(to=CALLER, from_="+14155550105", body="x")
    reconciled(registry, front)
    assert sent.sid not in came(registry)


def test_a_provider_without_a_log_is_left_alone_and_its_quarantine_too(registry: Store) -> None:
    assert logs.reconcile(registry, {"kannel": KannelProvider("u:p")}, datetime.now(UTC), BACK) == []


def test_the_command_and_the_job_read_the_log_of_the_settings(
    registry: Store, front: Front, twilio_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twilio_emulator.buy("+14155550106", DEAD)
    sid = twilio_emulator.text(CALLER, "+14155550106", "月子中心")
    key = new_key()
    (tmp_path / "own").mkdir()
    config = tmp_path / "own" / "canary.toml"
    config.write_text(f'key = "{key}"\ntwilio_account_sid = "{ACCOUNT}"\ntwilio_api_url = "{front.base}"\n')
    monkeypatch.setenv("CANARY_CONFIG", str(config))
    monkeypatch.setenv("CANARY_TWILIO_AUTH_TOKEN", TOKEN)
    store = Store(load().url, Vault(key))
    store.migrate()
    done = CliRunner().invoke(cli, ["reconcile", "--format", "json"])
    assert done.exit_code == 0, done.output
    (line,) = json.loads(done.stdout)["reconciled"]
    assert line["provider"] == "twilio" and line["added"] > 0 and sid in came(store)
    later = twilio_emulator.text(CALLER, "+14155550106", "奶粉")
    assert " 1 added" in run_job(load(), store, "reconcile") and later in came(store)
    front.broken = True
    failed = CliRunner().invoke(cli, ["reconcile"])
    assert failed.exit_code == 3 and "Twilio's log" in failed.stderr
    store.close()
