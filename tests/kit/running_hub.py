"""A hub on a real socket, in a thread of the test, with TLS or plain on the loopback."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.hub import app, identity, serve
from sync.hub.database import Database
from sync.hub.desk import NodeDesk
from sync.hub.identity import Hub
from sync.hub.snapshots import Snapshots

NOON_MS = 1_790_000_000_000


class HubClock:
    """The hub's time, moved by the test."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.value_ms = now_ms

    def now_ms(self) -> int:
        return self.value_ms

    def advance(self, by_ms: int) -> None:
        self.value_ms += by_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Headquarters:
    """A hub with a store and two articles, without a socket."""

    hub: Hub
    clock: HubClock
    desk: NodeDesk
    token: str
    folder: Path


def open_headquarters(
    folder: Path, *, demo: bool = True, database_url: str | None = None
) -> Headquarters:
    clock = HubClock()
    database = Database(database_url or f"sqlite:///{folder / 'hub.db'}")
    token = identity.initialise(database, clock, name="Test", demo=demo)
    hub = identity.open_hub(database, clock)
    desk = NodeDesk(hub, Snapshots(hub, folder / "desk-snapshots"))
    return Headquarters(hub=hub, clock=clock, desk=desk, token=token, folder=folder)


def reopen_headquarters(folder: Path) -> Headquarters:
    """The hub whose database lies in a folder already; its administrator's token is not known."""
    clock = HubClock()
    hub = identity.open_hub(Database(f"sqlite:///{folder / 'hub.db'}"), clock)
    desk = NodeDesk(hub, Snapshots(hub, folder / "desk-snapshots"))
    return Headquarters(hub=hub, clock=clock, desk=desk, token="", folder=folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """A CA and a server certificate for 127.0.0.1, as PEM files."""

    ca: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    now = dt.datetime.now(dt.UTC)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def build(subject: str, issuer: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    ca_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        build("test ca", "test ca", ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(identifier, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = (
        build("hub", "test ca", key.public_key())
        .add_extension(alternative, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(ca_key, hashes.SHA256())
    )
    made = Certificates(
        ca=folder / "ca.crt", certificate=folder / "hub.crt", key=folder / "hub-private"
    )
    made.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


class RunningHub:
    """`with RunningHub(headquarters, certificates) as running:` serves until the end."""

    def __init__(self, headquarters: Headquarters, certificates: Certificates | None) -> None:
        self.headquarters = headquarters
        self.certificates = certificates
        self.port = 0
        config = serve.configure(
            app.build(headquarters.hub, headquarters.folder / "snapshots"),
            host="127.0.0.1",
            port=0,
            certificate=certificates.certificate if certificates else None,
            key=certificates.key if certificates else None,
        )
        self._server = serve.Server(config)
        self._thread = threading.Thread(target=self._run, name="hub")
        self._up = threading.Event()

    def _run(self) -> None:
        async def serve_until_told() -> None:
            server = self._server
            task = asyncio.ensure_future(server.serve())
            while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.005)
            self.port = server.servers[0].sockets[0].getsockname()[1]
            self._up.set()
            await task

        asyncio.run(serve_until_told())

    @property
    def url(self) -> str:
        return f"{'https' if self.certificates else 'http'}://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path | None:
        return self.certificates.ca if self.certificates else None

    def admin(self) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        return httpx.Client(
            base_url=self.url,
            verify=context,
            headers={"authorization": f"Bearer {self.headquarters.token}"},
            trust_env=False,
        )

    def __enter__(self) -> "RunningHub":
        self._thread.start()
        assert self._up.wait(10), "the hub did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive(), "the hub did not end"
        self.headquarters.hub.database.close()
