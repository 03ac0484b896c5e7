"""CEF over syslog, for a SIEM: RFC 5424 messages over UDP, or over TCP counted in octets (RFC 6587)."""

import socket
from datetime import UTC
from urllib.parse import urlsplit

from canary import __version__
from canary.errors import CanaryError, OutsideError
from canary.listen.alerts.base import SECONDS, Message, Severity

LOCAL0 = 16
LEVELS = {Severity.HIGH: (2, 9), Severity.WARNING: (4, 6), Severity.INFO: (6, 2)}  # syslog's, CEF's
PORTS = {"udp": 514, "tcp": 601}


class Syslog:
    """A syslog receiver at `udp://host:port` or `tcp://host:port`; neither acknowledges, so "sent" means handed to the
    network. Raises CanaryError on another address."""

    name = "syslog"

    def __init__(self, address: str) -> None:
        try:
            asked = urlsplit(address)
            self._kind, self._host, port = asked.scheme, asked.hostname or "", asked.port
        except ValueError:
            self._kind, self._host, port = "", "", None
        if self._kind not in PORTS or not self._host:
            raise CanaryError(f"alert_syslog: {address!r} is no address", "udp://host:514 or tcp://host:601")
        self._port = port or PORTS[self._kind]

    def send(self, message: Message) -> None:
        """Send one datagram, or one counted frame."""
        line = rfc5424(message, socket.gethostname()).encode()
        try:
            if self._kind == "tcp":
                with socket.create_connection((self._host, self._port), SECONDS) as connection:
                    connection.sendall(b"%d %s" % (len(line), line))
                return
            family, kind, *_, there = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as sender:
                sender.sendto(line, there)
        except OSError as error:
            raise OutsideError(f"syslog: {error.strerror or error}", "see alert_syslog") from error


def rfc5424(message: Message, host: str) -> str:
    """The message as a syslog line without structured data, its content in CEF."""
    priority = LOCAL0 * 8 + LEVELS[message.severity][0]
    stamp = message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    named = "".join(c for c in host if "!" <= c <= "~")[:255] or "-"
    return f"<{priority}>1 {stamp} {named} canary - {message.scope} - {cef(message)}"


def cef(message: Message) -> str:
    """ArcSight Common Event Format, version 0: seven fields between bars, then key=value."""
    head = [_bars(each) for each in ("canary-records", "canary", __version__, message.scope, message.title)]
    more = {"externalId": message.key, "rt": str(int(message.at.timestamp() * 1000)), "msg": message.text}
    extension = " ".join(f"{name}={_equals(value)}" for name, value in more.items())
    return f"CEF:0|{'|'.join(head)}|{LEVELS[message.severity][1]}|{extension}"


def _bars(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def _equals(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "").replace("\n", "\\n")
