"""What a service tells systemd: sd_notify(3) over its datagram socket, in UTF-8.

Written here because the `sdnotify` package encodes latin-1 and loses every other message silently.
Only the parts we use: a state, and how often the watchdog wants to be fed.
"""

import os
import socket
from collections.abc import Mapping


def notify(*lines: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send `READY=1`, `WATCHDOG=1`, `STATUS=门店就绪` …; one line each, joined into one datagram.

    Returns False, and does nothing, when no service manager listens (NOTIFY_SOCKET unset, not a
    Unix socket, or gone). Line breaks inside a line become spaces: they would start another field.
    """
    path = environ.get("NOTIFY_SOCKET", "")
    if not lines or path[:1] not in ("/", "@"):
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    message = "\n".join(" ".join(line.splitlines()) for line in lines).encode()
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    try:
        with socket.socket(socket.AF_UNIX, kind) as channel:
            channel.connect(address)
            channel.sendall(message)
    except OSError:
        return False
    return True


def watchdog_interval_ms(*, environ: Mapping[str, str] = os.environ) -> int | None:
    """How often to send `WATCHDOG=1`: half of WATCHDOG_USEC, at least 1 ms; None when not asked.

    WATCHDOG_PID names the process that is asked; another process (a child that inherited the
    environment) gets None.
    """
    try:
        limit_us = int(environ.get("WATCHDOG_USEC", ""))
        pid = int(environ.get("WATCHDOG_PID", "") or os.getpid())
    except ValueError:
        return None
    if limit_us <= 0 or pid != os.getpid():
        return None
    return max(1, limit_us // 2000)
