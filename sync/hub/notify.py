"""What the hub tells systemd (sd_notify(3)): ready, alive, stopping. Its own few lines, UTF-8.

Alive is said only after the database has answered: a hub whose event loop turns but whose database
hangs is restarted by the watchdog.
"""

import asyncio
import os
import socket

from sync.hub.desk import NodeDesk

READY = "READY=1"
STOPPING = "STOPPING=1"
_ALIVE = "WATCHDOG=1"


def notify(line: str) -> None:
    """Say it, if a service manager listens; otherwise nothing happens."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@"):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.connect(address)
            channel.sendall(line.encode())
    except OSError:
        return  # systemd restarts itself now and then; the next message arrives


def watchdog_s() -> float | None:
    """How often to say that we are alive: a third of what systemd waits; None when not asked."""
    given = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID") or str(os.getpid())
    if not given.isdecimal() or int(given) == 0 or pid != str(os.getpid()):
        return None
    return int(given) / 3_000_000


async def stay_alive(desk: NodeDesk) -> None:
    """Feed the watchdog for as long as the database answers."""
    every_s = watchdog_s()
    if every_s is None:
        return
    while True:
        await asyncio.to_thread(desk.heads)
        notify(_ALIVE)
        await asyncio.sleep(every_s)
