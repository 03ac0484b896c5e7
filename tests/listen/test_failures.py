"""What Twilio's alerts say of requests that failed becomes the same contacts, marked with the path they came by."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from requests import PreparedRequest, Response

from canary.listen import reconcile as logs
from canary.listen.providers.twilio import TwilioProvider
from canary.listen.providers.twilio_log import TwilioLog
from canary.store import contacts
from canary.store.database import Store
from tests.listen.receivers import running
from tests.peers.played import Played

ACCOUNT, TOKEN = "AC" + "0" * 32, "twilio_test_auth_token"
OURS, CALLER = "+12025550123", "+8613800138000"
HOOKS = "https://canary.example/hooks/twilio"
CALL = {"CallSid": "CA1", "From": CALLER, "To": OURS, "Direction": "inbound", "CallStatus": "ringing"}
SPOKEN = {"CallSid": "CA1", "TranscriptionSid": "GT1", "SequenceId": "1", "Final": "true"}
SPOKEN |= {"TranscriptionEvent": "transcription-content", "TranscriptionData": '{"transcript": "月子中心"}'}


class Monitor(ThreadingHTTPServer):
    """Twilio's API with nothing in its log but alerts: (url, variables) each; `status` is what it answers to them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Monitor)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.alerts: list[tuple[str, str]] = []
        self.status = 200
        self.asked: list[str] = []


class _Monitor(Played):
    server: Monitor

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path = urlsplit(self.path).path
        if not path.startswith("/v1/Alerts"):
            name = path.rpartition("/")[2].removesuffix(".json").lower()
            return self.answer_json(200, {name: [], "next_page_uri": None})
        at = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = [
            {"sid": f"NO{n}", "request_url": url, "date_generated": at} for n, (url, _) in enumerate(self.server.alerts)
        ]
        if path == "/v1/Alerts":
            return self.answer_json(
                self.server.status, {"alerts": found, "meta": {"key": "alerts", "next_page_url": None}}
            )
        number = int(path.rpartition("/NO")[2])
        return self.answer_json(200, found[number] | {"request_variables": self.server.alerts[number][1]})


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    server = Monitor()
    with running(server):
        yield server


def reconciled(store: Store, monitor: Monitor) -> logs.Reconciled:
    provider = TwilioProvider(TOKEN, log=TwilioLog(ACCOUNT, TOKEN, monitor.base))
    (found,) = logs.reconcile(store, {"twilio": provider}, datetime.now(UTC), timedelta(days=90))
    return found


def came(store: Store) -> list[tuple[str, str, list[str]]]:
    with store.reading() as session:
        found = contacts.contacts(session)
        heard, paths = contacts.heard(session, found), contacts.paths(session, found)
        return [(c.sid, heard[c.id][0], paths[c.id]) for c in found]


def test_failed_requests_become_contacts_once_with_words_time_and_path(registry: Store, monitor: Monitor) -> None:
    text = {"MessageSid": "SM1", "From": CALLER, "To": OURS, "Body": "奶粉 🍼 & more"}
    monitor.alerts = [
        (f"{HOOKS}/sms#rc=4&rp=all", urlencode(text)),
        (f"{HOOKS}/voice", urlencode(CALL)),
        (f"{HOOKS}/transcription", json.dumps(SPOKEN)),
        ("https://elsewhere.example/hooks/other/sms", urlencode({**text, "MessageSid": "SM2"})),
        (f"{HOOKS}/sms", "nothing of use"),
        (f"{HOOKS}/sms", ""),
        ("", ""),
    ]
    first = reconciled(registry, monitor)
    assert (first.added, first.problem) == (2, "")
    assert sorted(came(registry)) == [("CA1", "月子中心", ["alert"]), ("SM1", "奶粉 🍼 & more", ["alert"])]
    with registry.reading() as session:
        ages = [datetime.now(UTC) - contact.at for contact in contacts.contacts(session)]
    assert all(timedelta(minutes=59) < age < timedelta(minutes=61) for age in ages)
    assert reconciled(registry, monitor).added == 0
    (start, *_) = [parse_qs(urlsplit(p).query)["StartDate"][0] for p in monitor.asked if p.startswith("/v1/Alerts?")]
    assert start[:10] == (datetime.now(UTC) - timedelta(days=30)).date().isoformat(), "Twilio keeps no older ones"


@pytest.mark.parametrize(("status", "told"), [(404, ""), (500, "Twilio's alerts")])
def test_an_api_without_alerts_is_left_alone_and_one_that_fails_is_told(registry, monitor, status, told) -> None:
    monitor.status = status
    assert reconciled(registry, monitor).problem.partition(":")[0] == told


@pytest.mark.peer
def test_twilios_specification_takes_our_questions_for_alerts(twilio_mock: str) -> None:
    log = TwilioLog(ACCOUNT, TOKEN, twilio_mock)
    session = log._client.http_client.session
    send = session.send

    def wanting_one(request: PreparedRequest, **options: object) -> Response:
        if urlsplit(request.url or "").path == "/v1/Alerts":
            request.headers["Prefer"] = "example=readFull"
        found: Response = send(request, **options)
        return found

    session.send = wanting_one
    found = list(log.failures(datetime.now(UTC)))
    assert {url for url, *_ in found} == {"http://www.example.com"}
    assert {variables for _, variables, _ in found} == {"request_variables"}
