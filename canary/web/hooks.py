"""Provider requests, answered in front of Flask: each is kept before it is judged, and read when there is time."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug.exceptions import ClientDisconnected
from werkzeug.sansio.utils import get_content_length
from werkzeug.wsgi import get_input_stream

from canary.listen.intake import MAX_BODY, Intake
from canary.listen.providers.base import RawRequest, Reply

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BARE = ("CONTENT_TYPE", "CONTENT_LENGTH")  # headers that CGI (RFC 3875, 4.1) gives no prefix
BROKEN_OFF = Reply(400, "broken off\n", "text/plain")
POST_ONLY = Reply(405, "hooks take POST\n", "text/plain")


class Hooks:
    """WSGI middleware: /hooks/PROVIDER/ENDPOINT goes to the intake, all else to `rest`, the Flask app. Its routing and
    contexts cost as much as keeping a request does, and a hook needs nothing of them. `public_url` is ours."""

    def __init__(self, rest: "WSGIApplication", intake: Intake, public_url: str) -> None:
        self._rest, self._intake, self._public_url = rest, intake, public_url

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "").split("/")
        if len(path) != 4 or path[:2] != ["", "hooks"]:
            return self._rest(environ, start_response)
        return _respond(self._reply(path[2], path[3], environ), start_response)

    def _reply(self, provider: str, endpoint: str, environ: "WSGIEnvironment") -> Reply:
        if environ["REQUEST_METHOD"] != "POST":
            return POST_ONLY
        try:
            request = self._raw(environ)
        except ClientDisconnected:
            return BROKEN_OFF
        length = get_content_length(environ.get("CONTENT_LENGTH"), environ.get("HTTP_TRANSFER_ENCODING"))
        # Not every sender signs its words: half a body would stand for the whole, which its sender sends again.
        if len(request.body) < min(length or 0, MAX_BODY + 1):
            return BROKEN_OFF
        reply = self._intake.receive(provider, endpoint, request)
        return self._intake.providers[provider].answer(endpoint, request) if reply.status == 200 else reply

    def _raw(self, environ: "WSGIEnvironment") -> RawRequest:
        # The provider signed the public URL byte for byte. Behind a proxy, and once a server has decoded it, the path
        # is another one; RAW_URI is the target as it came.
        named = ((name, value) for name, value in environ.items() if name.startswith("HTTP_") or name in _BARE)
        headers = {name.removeprefix("HTTP_").replace("_", "-").lower(): value for name, value in named}
        body = get_input_stream(environ).read(MAX_BODY + 1)
        return RawRequest(self._public_url + str(environ["RAW_URI"]), headers, body)


def _respond(reply: Reply, start_response: "StartResponse") -> Iterable[bytes]:
    body = reply.body.encode()
    headers = [("Content-Type", f"{reply.content_type}; charset=utf-8"), ("Content-Length", str(len(body)))]
    if reply is POST_ONLY:
        headers.append(("Allow", "POST"))
    start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", headers)
    return [body]
