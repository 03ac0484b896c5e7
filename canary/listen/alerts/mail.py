"""E-mail, through the mail server of the house."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import SplitResult, unquote, urlsplit

from canary.errors import CanaryError, OutsideError
from canary.listen.alerts.base import SECONDS, Message

PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


class Mail:
    """A mail server at `smtps://user:password@host` (TLS from the start), `smtp://…` (STARTTLS, always) or
    `smtp+plain://…` (none: only on this machine or inside a tunnel). Raises CanaryError on another address."""

    name = "email"

    def __init__(self, url: str, sender: str, recipients: tuple[str, ...]) -> None:
        self._server = _server(url)
        if not sender or not recipients:
            raise CanaryError("alert_email_url: from whom and to whom?", "set alert_email_from and alert_email_to")
        self._from, self._to = sender, recipients

    def send(self, message: Message) -> None:
        """Deliver it to the mail server."""
        try:
            with _connected(self._server) as server:
                if self._server.username:
                    server.login(unquote(self._server.username), unquote(self._server.password or ""))
                server.send_message(self._letter(message))
        except (smtplib.SMTPException, OSError) as error:
            told = getattr(error, "strerror", None) or type(error).__name__  # never the server's words: they may quote
            raise OutsideError(f"email: {told}", "see alert_email_url") from error

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"] = " ".join(f"[canary] {message.title}".split())  # one line
        letter["From"] = self._from
        letter["To"] = ", ".join(self._to)
        letter["Date"] = format_datetime(message.at)
        letter["Message-ID"] = f"<{message.key}@canary>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(f"{message.text}\n\n{message.severity.value} · {message.scope} · {message.key}\n")
        return letter


def _server(url: str) -> SplitResult:
    try:
        found = urlsplit(url)
        known = found.scheme in PORTS and bool(found.hostname) and found.port != 0
    except ValueError:
        known = False
    if not known:
        raise CanaryError("alert_email_url: no address of a mail server", "smtps://user:password@mail.example.org")
    return found


def _connected(server: SplitResult) -> smtplib.SMTP:
    host, port = server.hostname or "", server.port or PORTS[server.scheme]
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=ssl.create_default_context())
    plain = smtplib.SMTP(host, port, timeout=SECONDS)
    if server.scheme == "smtp":
        try:
            plain.starttls(context=ssl.create_default_context())
        except BaseException:
            plain.close()
            raise
    return plain
