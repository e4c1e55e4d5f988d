"""Runs the application: TLS 1.3 and nothing older, or plain HTTP on the loopback only."""

import asyncio
import ipaddress
import logging
import socket
import ssl
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from sync.hub.doorbell import Doorbell
from sync.hub.notify import READY, STOPPING, notify

logger = logging.getLogger(__name__)
GRACE_S = 3
KEPT_S = 75  # longer than the nodes keep an idle connection


def parse_listen(listen: str) -> tuple[str, int]:
    """Host and port of `H:P` or `[H6]:P`.

    Raises:
        ValueError: neither.
    """
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"listen {listen!r}: give HOST:PORT")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether nobody outside this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def configure(
    app: FastAPI, *, host: str, port: int, certificate: Path | None, key: Path | None
) -> uvicorn.Config:
    """A server's configuration.

    Raises:
        ValueError: no certificate and not on the loopback, or only one of certificate and key.
    """
    if (certificate is None) != (key is None):
        raise ValueError("give both --tls-cert and --tls-key, or neither")
    if certificate is None and not is_loopback(host):
        raise ValueError("plain HTTP is for the loopback only: give --tls-cert and --tls-key")
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ssl_certfile=str(certificate) if certificate else None,
        ssl_keyfile=str(key) if key else None,
        log_config=None,
        access_log=False,  # addresses carry order numbers
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEPT_S,
        lifespan="on",
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return config


class Server(uvicorn.Server):
    """Tells systemd how it stands, and lets go of who waits at the doorbell before it ends."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            notify(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, answer what is open, end."""
        notify(STOPPING)
        app = self.config.app
        assert isinstance(app, FastAPI)
        doorbell = app.state.doorbell
        assert isinstance(doorbell, Doorbell)
        await doorbell.close()
        await super().shutdown(sockets)


def run(config: uvicorn.Config) -> None:
    """Serve until INT or TERM."""
    asyncio.run(Server(config).serve())
