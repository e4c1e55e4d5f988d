"""What a person says when pointing a virtual scanner: the arguments of its actions."""

import asyncio
import time
from collections.abc import Callable, Mapping

OPEN_WAIT_S = 5.0
_LOOK_S = 0.01
MAX_TEXT_BYTES = 65_536

GARBAGE = bytes((0xFF, 0x00, 0x80, 0x07, 0xFE, 0x1B, 0x5B, 0x41, 0xC3, 0x28, 0xA0, 0x7F))


def only(args: Mapping[str, str], *known: str) -> None:
    """Refuse an argument that nobody reads.

    Raises:
        ValueError: naming it and the ones there are.
    """
    if unknown := sorted(args.keys() - set(known)):
        raise ValueError(f"argument {unknown[0]!r}: there are {', '.join(known)}")


def number(args: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    """A whole number within bounds.

    Raises:
        ValueError: not a number, or outside.
    """
    text = args.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"{name}={text!r}: a number from {least} to {most}")
    return int(text)


def switch(args: Mapping[str, str], name: str) -> bool:
    """Whether `name=1` was given.

    Raises:
        ValueError: neither 0 nor 1.
    """
    if (text := args.get(name, "0")) not in ("0", "1"):
        raise ValueError(f"{name}={text!r}: 0 or 1")
    return text == "1"


def payload(args: Mapping[str, str]) -> bytes:
    """The code under the light: `text=` in `charset=` (utf-8), or `hex=`.

    Raises:
        ValueError: none of the two, bad hexadecimal, or a text that the character set lacks.
    """
    if "hex" in args:
        data = bytes.fromhex(args["hex"])
    elif "text" in args:
        try:
            data = args["text"].encode(args.get("charset", "utf-8"))
        except LookupError as error:
            raise ValueError(f"charset={args['charset']!r} is unknown") from error
    else:
        raise ValueError("give text=… or hex=…")
    if len(data) > MAX_TEXT_BYTES:
        raise ValueError(f"at most {MAX_TEXT_BYTES} bytes")
    return data


async def wait_until(ready: Callable[[], bool], why: str, *, within_s: float = OPEN_WAIT_S) -> None:
    """Look every 10 ms until `ready`; a person also waits for the light before scanning.

    Raises:
        ValueError: not within the time; `why` is the message.
    """
    deadline_s = time.monotonic() + within_s
    while not ready():
        if time.monotonic() >= deadline_s:
            raise ValueError(why)
        await asyncio.sleep(_LOOK_S)
