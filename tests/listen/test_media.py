"""Pictures and recordings are downloaded once from a server that speaks Twilio's protocol, hashed, kept encrypted."""

import hashlib
import json
import re
import shlex
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from canary.cli.main import cli
from canary.errors import CanaryError, OutsideError
from canary.listen.intake import arrived
from canary.listen.media import Collected, Terms, collect
from canary.listen.providers.base import Channel, Event
from canary.listen.providers.twilio import TwilioProvider
from canary.listen.providers.twilio_media import TwilioArchive
from canary.listen.sort import sort_all
from canary.listen.transcribe import Command, transcribe
from canary.schedule import run_job
from canary.settings import load
from canary.store import contacts, ledger, media, views
from canary.store.database import Store
from canary.store.schema import Contact, Media
from canary.store.vault import Vault, new_key
from tests.listen.receivers import running
from tests.peers.played import Played

ACCOUNT, TOKEN = "AC" + "1" * 32, "token"
OURS, CALLER = "+8612000000001", "+8612000000099"
NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
SM, ME, CA, RE = ("SM" + "2" * 32, "ME" + "3" * 32, "CA" + "4" * 32, "RE" + "5" * 32)
PICTURE, SOUND = b"\x89PNG" + bytes(range(256)) * 40, b"RIFF" + b"\0\1" * 5000


class Api(ThreadingHTTPServer):
    """Twilio's media: `held` are bytes and type by SID, `early` counts the deletions refused as too early (20009),
    `down` the downloads that break off; `elsewhere` is where downloads are sent on to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.held = {ME: (PICTURE, "image/png"), RE: (SOUND, "audio/x-wav")}
        self.early = self.down = 0
        self.elsewhere = self.base
        self.asked: list[tuple[str, str, str]] = []


class _Api(Played):
    server: Api

    def do_GET(self) -> None:
        self._note("GET")
        if (here := self.path.partition("/cdn/")[2]) in self.server.held:
            return self._bytes(*self.server.held[here])
        if self.headers["Authorization"] != "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode():
            return self.answer(401, b"{}")
        if re.search(r"/Media.json", self.path):
            found = [{"sid": sid, "account_sid": ACCOUNT, "parent_sid": SM} for sid in self.server.held if sid == ME]
            return self.answer(200, json.dumps({"media_list": found, "next_page_uri": None}).encode())
        sid = self.path.rpartition("/")[2]
        if sid not in self.server.held:
            return self.answer(404, b"{}")
        return self.answer(307, headers={"Location": f"{self.server.elsewhere}/cdn/{sid}"})

    def do_DELETE(self) -> None:
        self._note("DELETE")
        if self.server.early:
            self.server.early -= 1
            return self.answer(400, b'{"code": 20009, "message": "not finished", "status": 400}')
        gone = self.server.held.pop(self.path.rpartition("/")[2].removesuffix(".json"), None)
        return self.answer(204 if gone else 404, b"" if gone else b'{"code": 20404, "status": 404}')

    def _note(self, method: str) -> None:
        self.server.asked.append((method, self.path, self.headers["Authorization"] or ""))

    def _bytes(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.down:
            self.server.down -= 1
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        self.wfile.write(content)


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    with running(server):
        yield server


def picture(url: str = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/{SM}/Media/{ME}") -> Event:
    details = {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/png"}
    return Event(SM, "contact", Channel.MESSAGE, OURS, CALLER, "奶粉特价", None, details)


def recording(state: str = "completed") -> Event:
    return Event(CA, f"recording:{RE}:{state}", Channel.CALL, OURS, CALLER)


def heard(store: Store, *events: Event, endpoint: str = "sms") -> None:
    with store.writing() as session:
        contacts.record_all(session, [(NOW, arrived("twilio", endpoint, event)) for event in events])


def run(store: Store, api: Api, at: datetime = NOW, terms: Terms = Terms()) -> Collected:  # noqa: B008 - frozen
    provider = TwilioProvider(TOKEN, archive=TwilioArchive(ACCOUNT, TOKEN, api.base))
    (found,) = collect(store, {"twilio": provider}, at, terms)
    return found


def rows(store: Store) -> list[Media]:
    with store.reading() as session:
        return list(session.scalars(select(Media).order_by(Media.key)))


def test_a_picture_and_a_recording_are_kept_once_encrypted_with_their_hash_in_the_ledger(registry, api) -> None:
    heard(registry, picture(), recording())
    assert run(registry, api) == Collected("twilio", kept=2)
    assert run(registry, api) == Collected("twilio")
    kept = rows(registry)
    assert [(r.key, r.sha256, r.size, r.content_type) for r in kept] == [
        (ME, hashlib.sha256(PICTURE).hexdigest(), len(PICTURE), "image/png"),
        (RE, hashlib.sha256(SOUND).hexdigest(), len(SOUND), "audio/x-wav"),
    ]
    with registry.reading() as session:
        assert [media.content(session, r.id) for r in kept] == [PICTURE, SOUND]
        said = [entry.payload for entry in ledger.entries(session, "media")]
        assert {e["sha256"] for e in said} == {r.sha256 for r in kept} and all(e["contact"] for e in said)
    stored = b"".join(p.read_bytes() for p in Path(registry.engine.url.database or "").parent.glob("canary.sqlite3*"))
    assert PICTURE[4:200] not in stored and SOUND[4:200] not in stored


def test_both_databases_keep_it_whole_and_transcribe_it_once(store: Store, api) -> None:
    heard(store, picture(), recording())
    assert (run(store, api).kept, run(store, api).kept) == (2, 0)
    with store.reading() as session:
        assert [media.content(session, r.id) for r in rows(store)] == [PICTURE, SOUND]
    assert (transcribe(store, Command("echo {file}"), NOW), transcribe(store, Command("echo {file}"), NOW)) == (1, 0)


def test_pictures_the_log_only_counts_are_asked_for(registry, api) -> None:
    heard(registry, Event(SM, "contact", Channel.MESSAGE, OURS, CALLER, "", None, {"NumMedia": "1"}), endpoint="log")
    assert run(registry, api).kept == 1


def test_credentials_go_to_the_api_alone_however_the_address_was_forged_and_wherever_it_sends_us(registry, api) -> None:
    other = Api()
    with running(other):
        api.elsewhere = other.base
        heard(registry, picture(f"{other.base}/Messages/{SM}/Media/{ME}"))
        found = run(registry, api)
        assert (found.kept, found.left) == (0, 1) and "not https" in found.problem
        assert other.asked == []
    assert [secret for _, path, secret in api.asked if "/cdn/" in path] == []
    assert all(secret for *_, secret in api.asked)


@pytest.mark.parametrize("url", ["https://h/x", "https://h/Media/../../../Calls", "", "https://h/Media/ME1/../RE2"])
def test_an_address_without_a_sid_of_its_own_is_not_asked_for(registry, api, url: str) -> None:
    heard(registry, picture(url))
    assert (run(registry, api), api.asked) == (Collected("twilio"), [])


def test_what_breaks_off_is_tried_again_later_and_what_is_kept_is_whole(registry, api) -> None:
    api.down = 1
    heard(registry, recording())
    assert run(registry, api).left == 1 and rows(registry)[0].state == "waiting"
    assert run(registry, api) == Collected("twilio"), "not at once"
    assert run(registry, api, NOW + timedelta(minutes=2)).kept == 1
    assert rows(registry)[0].sha256 == hashlib.sha256(SOUND).hexdigest()


def test_a_recording_that_is_not_there_is_given_up_after_a_while_and_one_too_large_at_once(registry, api) -> None:
    heard(registry, recording(), picture())
    del api.held[RE]
    assert run(registry, api, terms=Terms(most=100)).lost == 1
    for days in range(1, 7):
        run(registry, api, NOW + timedelta(days=days))
    assert [row.state for row in rows(registry)] == ["refused", "gone"]


def test_only_finished_recordings_are_asked_for(registry, api) -> None:
    heard(registry, recording("in-progress"), recording("ended"), recording("absent"))
    assert (run(registry, api), api.asked) == (Collected("twilio"), [])


def test_the_providers_own_is_deleted_only_if_wished_only_once_kept_and_again_when_it_was_too_early(
    registry, api
) -> None:
    heard(registry, picture(), recording())
    run(registry, api)
    assert not [path for method, path, _ in api.asked if method == "DELETE"]
    api.early = 1
    assert run(registry, api, terms=Terms(discard=True)).discarded == 1
    assert run(registry, api, terms=Terms(discard=True)).discarded == 1
    assert (run(registry, api, terms=Terms(discard=True)).discarded, api.held) == (0, {})
    assert [row.state for row in rows(registry)] == ["kept", "kept"]


def test_two_processes_that_download_the_same_keep_it_once(registry, api) -> None:
    heard(registry, picture())
    provider = TwilioProvider(TOKEN, archive=TwilioArchive(ACCOUNT, TOKEN, api.base))

    class Overtaken(TwilioArchive):
        def fetch(self, sid: str, key: str, most: int):
            collect(registry, {"twilio": provider}, NOW, Terms())
            return super().fetch(sid, key, most)

    slow = TwilioProvider(TOKEN, archive=Overtaken(ACCOUNT, TOKEN, api.base))
    assert collect(registry, {"twilio": slow}, NOW, Terms()) == [Collected("twilio")]
    with registry.reading() as session:
        assert len(list(ledger.entries(session, "media"))) == 1


def test_recordings_are_transcribed_once_by_the_operators_program_and_count_like_words(registry, api) -> None:
    heard(registry, Event(CA, "contact", Channel.CALL, OURS, CALLER), recording(), picture())
    run(registry, api)
    program = "import sys; data = open(sys.argv[1], 'rb').read(); print('月子中心', len(data))"
    command = Command(shlex.join([sys.executable, "-c", program, "{file}"]))
    assert (transcribe(registry, command, NOW), transcribe(registry, command, NOW)) == (1, 0)
    sort_all(registry)
    with registry.reading() as session:
        (call,) = [row for row in views.sorted_contacts(session, NOW) if row.contact.sid == CA]
        assert call.kind == "maternal"
        assert contacts.heard(session, [call.contact])[call.contact.id][0] == f"月子中心 {len(SOUND)}"


@pytest.mark.parametrize("line", ["true", "'{file}", "/nowhere/program {file}", "false {file}"])
def test_a_transcriber_that_cannot_work_says_so_and_is_tried_again(registry, api, line: str) -> None:
    heard(registry, recording())
    run(registry, api)
    with pytest.raises(CanaryError, match="transcriber_command"):
        transcribe(registry, Command(line), NOW)
    assert transcribe(registry, Command("echo {file}"), NOW) == 1


def test_a_recording_that_fails_every_time_holds_up_no_other(registry, api) -> None:
    other = f"RE{'0' * 32}"
    api.held[other] = (SOUND + b"broken", "audio/x-wav")
    heard(registry, Event(CA, f"recording:{other}:completed", Channel.CALL, OURS, CALLER), recording())
    run(registry, api)

    class Hears:
        def words(self, recording: bytes) -> str:
            if recording.endswith(b"broken"):
                raise OutsideError("transcriber_command: CalledProcessError", "run it by hand")
            return "月子中心"

    with pytest.raises(OutsideError, match="CalledProcessError"):
        transcribe(registry, Hears(), NOW)
    with registry.reading() as session:
        assert [row.key for row in media.wordless(session, 9)] == [other]


def test_the_job_downloads_contacts_show_it_and_a_command_gets_it_out_with_a_ledger_line(
    api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "canary.toml"
    key = new_key()
    config.write_text(f'key = "{key}"\ntwilio_account_sid = "{ACCOUNT}"\ntwilio_api_url = "{api.base}"\n')
    monkeypatch.setenv("CANARY_CONFIG", str(config))
    monkeypatch.setenv("CANARY_TWILIO_AUTH_TOKEN", TOKEN)
    with closing(Store(load().url, Vault(key))) as store:
        store.migrate()
        heard(store, picture())
        assert "1 kept" in run_job(load(), store, "media")
        shown = json.loads(CliRunner().invoke(cli, ["contact", "show", "1", "--format", "json"]).stdout)
        digest = hashlib.sha256(PICTURE).hexdigest()
        assert shown["media"] == [{"sha256": digest, "size": len(PICTURE), "type": "image/png", "state": "kept"}]
        report = CliRunner().invoke(cli, ["report", "--format", "json", "-o", str(tmp_path / "report.json")])
        assert report.exit_code == 0, report.output
        (told,) = json.loads((tmp_path / "report.json").read_text())["heard"]
        assert (told["paths"], told["attested"], told["media"][0]["sha256"]) == (["webhook"], "provider-signed", digest)
        done = CliRunner().invoke(cli, ["contact", "media", "1", "-o", str(tmp_path / "out")])
        assert done.exit_code == 0, done.output
        assert [p.read_bytes() for p in (tmp_path / "out").glob("*.png")] == [PICTURE]
        with store.reading() as session:
            assert [e.payload["sha256"] for e in ledger.entries(session, "reveal")] == [[digest]]
            assert session.scalar(select(func.count(Contact.id))) == 1
    assert CliRunner().invoke(cli, ["contact", "media", "2", "-o", str(tmp_path / "out")]).exit_code == 2
