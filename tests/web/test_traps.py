"""The measured traps of Twilio's signatures (telephony reference, table of section 1), each against the real server."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from canary.demo.wire import free_port
from canary.listen.providers.twilio_signature import parsed_form
from canary.settings import Settings, load
from canary.store import contacts
from canary.store.database import Store
from canary.store.vault import Vault, new_key
from tests.web.conftest import CALLER, OURS, TOKEN, serving, settled

FORM = "application/x-www-form-urlencoded"
PUBLIC = "https://canary.example"  # TLS ends at a proxy: the server itself hears plain HTTP, from another host


PUBLICS = {"plain": PUBLIC, "port": f"{PUBLIC}:8443", "login": "https://user:pw@canary.example:8443"}


@pytest.fixture(params=list(PUBLICS), scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("traps")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY_CONFIG", str(folder / "canary.toml"))
        (folder / "canary.key").write_text(new_key())
        port, public = free_port(), PUBLICS[request.param]
        keys = f'twilio_auth_token = "{TOKEN}"\ntwilio_shared_keys = "k=shared"\n'
        (folder / "canary.toml").write_text(f'bind = "127.0.0.1:{port}"\npublic_url = "{public}"\n{keys}')
        settings = load()
        Store(settings.url, Vault(settings.secret())).migrate()
        with serving(settings):
            yield settings
        assert "Traceback" not in (folder / "serve.log").read_text()


def text(sid: str, body: str = "奶粉 🍼", **extra: str) -> dict[str, str]:
    return {"MessageSid": sid, "From": CALLER, "To": OURS, "Body": body, **extra}


def post(
    settings: Settings, body: Mapping[str, str] | bytes, target: str = "/hooks/twilio/sms", **changed: str | None
) -> int:
    """The answer to what Twilio, which calls the public address, signs; `changed` headers, None for left out."""
    raw = body if isinstance(body, bytes) else urlencode(body).encode()
    kind = changed.get("Content_Type") or FORM
    form = parsed_form(raw) if kind == FORM else {}
    signature = RequestValidator(TOKEN).compute_signature(settings.public_url + target, form)
    headers: dict[str, str | None] = {"Content-Type": kind, "X-Twilio-Signature": signature}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    line = HTTPConnection(settings.bind, timeout=60)  # unlike others, it sends the target byte for byte
    with closing(line):
        sent = {name: value for name, value in headers.items() if value is not None}
        line.request("POST", target.partition("#")[0], raw, sent)
        return line.getresponse().status


def heard(settings: Settings) -> set[str]:
    with settled(settings).store().reading() as session:
        return {contact.sid for contact in contacts.contacts(session)}


@pytest.mark.parametrize("query", ["?q=%E4%BD%A0", "?path=a%2Fb", "?q=%e4%bd%a0&b=%20+", "?", "?a=1&a=1&b="])
def test_the_address_is_taken_as_it_was_sent_not_as_it_was_decoded(server: Settings, query: str) -> None:
    assert post(server, text(f"SM{query}"), f"/hooks/twilio/sms{query}") == 200


def test_tls_that_ends_at_a_proxy_is_no_matter(server: Settings) -> None:
    assert post(server, text("SM-tls")) == 200
    assert "SM-tls" in heard(server)


@pytest.mark.parametrize("proto", ["https", "https, http", "http", "gopher"])
def test_whatever_proxies_say_of_the_scheme_is_no_matter(server: Settings, proto: str) -> None:
    said = {"X_Forwarded_Proto": proto, "X_Forwarded_Host": "evil, h", "X_Forwarded_Port": "1"}
    assert post(server, text(f"SM-{proto}"), **said) == 200


@pytest.mark.parametrize("body", ["", " ", "a\r\nb  c", "王女士 + 100% & = ;", "奶粉 🍼"])
def test_blank_parameters_line_breaks_blanks_and_chinese_verify(server: Settings, body: str) -> None:
    assert post(server, text(f"SM{body}"[:40], body, Blank="", FromCity="")) == 200


def test_a_missing_or_empty_signature_is_refused_without_an_error(server: Settings) -> None:
    assert [post(server, text("SM-none"), X_Twilio_Signature=given) for given in (None, "", " ")] == [403] * 3
    assert "SM-none" not in heard(server)


def test_json_without_its_hash_is_refused_without_an_error(server: Settings) -> None:
    body = json.dumps(text("SM-json")).encode()
    assert post(server, body, Content_Type="application/json") == 403
    assert "SM-json" not in heard(server)


def test_json_with_its_hash_is_checked_as_bytes_not_as_what_it_means(server: Settings) -> None:
    body = json.dumps(text("SM-json2"), indent=3).encode()
    hashed = f"/hooks/twilio/sms?bodySHA256={hashlib.sha256(body).hexdigest()}"
    assert post(server, body, hashed, Content_Type="application/json") == 200
    assert post(server, json.dumps(json.loads(body)).encode(), hashed, Content_Type="application/json") == 403
    assert "SM-json2" in heard(server)


def test_a_login_in_the_address_is_signed_as_given(server: Settings) -> None:
    """The validator itself loses it when it tries ports; the public address of one of the servers here has one."""
    login = {"Authorization": f"Basic {b64encode(b'user:pw').decode()}"}
    assert post(server, text("SM-login"), **login) == 200


def test_the_key_is_chosen_by_its_id_and_the_algorithm_by_the_key(server: Settings) -> None:
    url, form = f"{server.public_url}/hooks/twilio/sms", text("SM-shared")
    by_key = RequestValidator("shared").compute_signature(url, form, "HMAC_SHA256")
    by_token = RequestValidator(TOKEN).compute_signature(url, form, "HMAC_SHA256")
    name = "X_Twilio_Webhooks_Signature_Settings"
    good, sha1 = "HMAC_SHA256", "HMAC_SHA1"
    tried = [(by_key, "k", good), (by_token, "k", good), (by_key, "x", good), (by_key, "k", sha1)]
    answers = [post(server, form, X_Twilio_Signature=s, **{name: f"key={k},algorithm={a}"}) for s, k, a in tried]
    assert answers == [200, 403, 403, 403]


def test_a_retry_with_its_token_a_replay_without_and_the_fallback_address_are_one_contact(server: Settings) -> None:
    form = text("SM-again")
    assert post(server, form, I_Twilio_Idempotency_Token="1") == 200
    assert post(server, form) == 200
    assert post(server, form, "/hooks/twilio/sms?fallback=1") == 200
    with settled(server).store().reading() as session:
        assert sum(contact.sid == "SM-again" for contact in contacts.contacts(session)) == 1


def test_parameters_added_without_notice_are_signed_and_kept(server: Settings) -> None:
    assert post(server, text("SM-new", NewIn2027="值", StirVerstat="TN-Validation-Passed-A", OptOutType="STOP")) == 200
