"""What a process did to its files and what it said, in order, read from strace; and a disk of it.

`TRACE` goes in front of a command. Strings are printed in hexadecimal (-xx) with the path behind
each descriptor (-y). A call that another thread interrupted stands on two lines: what it wrote may
be on the disk from the first one on, what it flushed is flushed from the second one on.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "openat,close,write,sendto,pwrite64,pwritev,fdatasync,fsync,ftruncate,fallocate"
    ",unlink,unlinkat,rename"
)
SECTOR = 512


def under_strace(strace: str, output: Path) -> tuple[str, ...]:
    """The command that traces what follows it into `output`."""
    return (
        strace,
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "70000",
        "-o",
        str(output),
        "-e",
        f"trace={CALLS}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that succeeded. begun, ended: places in the order of all lines."""

    name: str
    path: str
    data: bytes = b""
    offset: int = 0
    begun: int
    ended: int


_LINE = re.compile(r"^(?P<pid>\d+) +(?P<rest>.*)$")
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
_CALL = re.compile(r"^(?P<name>\w+)\((?P<inner>.*)\)\s+= (?P<result>-?\d+)")
_FD = re.compile(r"^(?:\d+|AT_FDCWD)<(?P<path>[^>]*)>")
_STRING = re.compile(r'"(?P<hex>(?:\\x[0-9a-f]{2})*)"(?P<cut>\.\.\.)?')


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def calls(trace: Path) -> Iterator[Call]:
    """Every call of the trace that did something, in the order in which they ended."""
    begun: dict[str, tuple[int, str]] = {}
    with trace.open(encoding="ascii") as lines:
        for place, line in enumerate(lines):
            found = _LINE.match(line)
            assert found, line[:100]
            pid, rest = found["pid"], found["rest"]
            if rest.endswith("<unfinished ...>"):
                begun[pid] = (place, rest.removesuffix("<unfinished ...>"))
                continue
            start = place
            if resumed := _RESUMED.match(rest):
                start, first = begun.pop(pid)
                rest = first.rstrip() + resumed["rest"]
            if (call := _CALL.match(rest)) and int(call["result"]) >= 0:
                yield from _call(call["name"], call["inner"], start, place)


def _call(name: str, inner: str, begun: int, ended: int) -> Iterator[Call]:
    at = _FD.match(inner)
    path = _bytes(at["path"]).decode() if at else ""
    strings = list(_STRING.finditer(inner))
    assert not any(each["cut"] for each in strings), "strace cut a string short"
    texts = [_bytes(each["hex"]) for each in strings]
    numbers = [part.strip() for part in inner.rsplit('"', 1)[-1].split(",")]
    match name:
        case "write" | "sendto":
            yield Call(name="say", path=path, data=texts[0], begun=begun, ended=ended)
        case "pwrite64":
            offset = int(numbers[-1])
            yield Call(
                name="write", path=path, data=texts[0], offset=offset, begun=begun, ended=ended
            )
        case "fdatasync" | "fsync":
            yield Call(name="sync", path=path, begun=begun, ended=ended)
        case "ftruncate":
            length = int(inner.rsplit(",", 1)[1])
            yield Call(name="truncate", path=path, offset=length, begun=begun, ended=ended)
        case "openat" if "O_CREAT" in inner:
            yield Call(name="create", path=texts[0].decode(), begun=begun, ended=ended)
        case "unlink" | "unlinkat":
            yield Call(name="unlink", path=texts[0].decode(), begun=begun, ended=ended)
        case "pwritev" | "fallocate" | "rename":
            raise AssertionError(f"{name} is not modelled")
        case _:
            return


@dataclass(slots=True)
class File:
    """A file on the disk: what surely lies there, and what was written since the last flush."""

    durable: bytes
    pending: list[Call] = field(default_factory=list)
    entry_durable: bool = True
    unlinked: bool = False


def put(content: bytearray, offset: int, data: bytes) -> None:
    """Write into a file, which grows with zeros where it must."""
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Disk:
    """The files of one folder under the calls of a trace.

    On power loss any part of what was not flushed may be there, sector by sector, in any order; a
    name that the folder was not flushed for may be missing, or still there after an unlink.
    """

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._folder = folder
        self.files = {
            name: File(durable=(folder / name).read_bytes())
            for name in names
            if (folder / name).exists()
        }
        self._names = names

    def _name(self, path: str) -> str | None:
        one = Path(path)
        return one.name if one.parent == self._folder and one.name in self._names else None

    def do(self, call: Call) -> bool:
        """Take a call over; answers whether it touched the disk."""
        if call.name == "sync" and Path(call.path) == self._folder:
            for name, file in list(self.files.items()):
                file.entry_durable = True
                if file.unlinked:
                    del self.files[name]
            return True
        ours = self._name(call.path)
        if ours is None or call.name == "say":
            return False
        if call.name == "create":
            if ours not in self.files or self.files[ours].unlinked:
                self.files[ours] = File(durable=b"", entry_durable=False)
            return True
        file = self.files[ours]
        if call.name == "unlink":
            file.unlinked = True
        elif call.name == "sync":
            file.durable = bytes(self._with(file.durable, file.pending))
            file.pending.clear()
        else:
            file.pending.append(call)
        return True

    @staticmethod
    def _with(durable: bytes, writes: list[Call]) -> bytearray:
        content = bytearray(durable)
        for call in writes:
            if call.name == "truncate":
                del content[call.offset :]
            else:
                put(content, call.offset, call.data)
        return content

    def after_power_loss(self, into: Path, how: str, dice: random.Random) -> None:
        """Write what may be found into the folder `into`. how: none, all, or some of the rest."""
        for name, file in self.files.items():
            if not file.entry_durable and (
                how == "none" or (how == "some" and dice.random() < 0.3)
            ):
                continue
            if file.unlinked and (how == "all" or (how == "some" and dice.random() < 0.5)):
                continue
            content = bytearray(file.durable)
            if how == "all":
                content = self._with(file.durable, file.pending)
            elif how == "some":
                for call in dice.sample(file.pending, len(file.pending)):
                    self._tear(content, call, dice)
            (into / name).write_bytes(content)

    @staticmethod
    def _tear(content: bytearray, call: Call, dice: random.Random) -> None:
        if call.name == "truncate":
            if dice.random() < 0.5:
                del content[call.offset :]
            return
        kept = dice.choice((0.0, 0.5, 0.95, 1.0))
        for start in range(0, len(call.data), SECTOR):
            if dice.random() < kept:
                put(content, call.offset + start, call.data[start : start + SECTOR])
