"""Real servers on the loopback that take alerts: mail, webhooks, syslog."""

import ipaddress
import socket
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.peers.played import Played


class Hook(ThreadingHTTPServer):
    """Takes POSTs and answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        self.status = 200
        self.got: list[tuple[dict[str, str], bytes]] = []


class _Hook(Played):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status < 300:
            self.server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.answer(self.server.status, headers={"Location": "/elsewhere"})


class MailServer(socketserver.ThreadingTCPServer):
    """Takes letters; with a certificate over TLS from the start (`wrapped`), or once STARTTLS is asked for."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None, *, wrapped: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.port = self.server_address[1]
        self.tls, self.wrapped = tls, wrapped
        self.refuses = False
        self.got: list[tuple[list[str], str]] = []
        self.logins: list[str] = []


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        try:
            if self.server.tls and self.server.wrapped:
                self._encrypt(self.server.tls)
            self._talk()
        except OSError:  # the other side did not trust us
            return

    def _encrypt(self, tls: ssl.SSLContext) -> None:
        self.request = tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)

    def _talk(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        to: list[str] = []
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                offered = b"250-STARTTLS\r\n" if self.server.tls and not self.server.wrapped else b""
                self.wfile.write(b"250-here\r\n" + offered + b"250 AUTH PLAIN\r\n")
                continue
            if word == "STARTTLS" and self.server.tls:
                self.wfile.write(b"220 go\r\n")
                self._encrypt(self.server.tls)
                continue
            if word == "AUTH":
                self.server.logins.append(line.split()[-1])
                self.wfile.write(b"235 welcome\r\n")
                continue
            if word == "RCPT":
                to.append(line.partition("<")[2].rstrip(">"))
                self.wfile.write(b"550 no such sesame\r\n" if self.server.refuses else b"250 ok\r\n")
                continue
            if word == "DATA":
                self.wfile.write(b"354 go\r\n")
                rows = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                self.server.got.append((to, "\n".join(rows)))
            self.wfile.write(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    with server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(timeout=60)


@contextmanager
def datagrams() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        yield receiver


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for the loopback, and a server's context that shows it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = builder.sign(key, hashes.SHA256())
    path = folder / "here.pem"
    path.write_bytes(
        made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context
