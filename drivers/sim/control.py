"""Asking a running server of virtual devices to do something; used by the CLI, tour and tests."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

_ANSWER_S = 30
_LONGEST_LINE = 1_048_576


class SimError(Exception):
    """It was not done, and why; `actions` are those that the device has."""

    def __init__(self, why: str, actions: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.why = why
        self.actions = actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A virtual device that is served."""

    name: str
    port: str
    kind: str
    address: str
    actions: tuple[str, ...]


class _Entry(TypedDict):
    port: str
    kind: str
    address: str
    actions: list[str]


async def ask(
    directory: Path, name: str, action: str, /, **args: str | int
) -> Mapping[str, object]:
    """Do `action` to the device `name` served in `directory`; answers what it says about it.

    Raises:
        SimError: nobody serves there, or it was refused, and why.
    """
    texts = {key: str(value) for key, value in args.items()}
    return await _ask(directory, {"do": name, "action": action, "args": texts})


async def ls(directory: Path) -> tuple[Listed, ...]:
    """The devices served in `directory`.

    Raises:
        SimError: nobody serves there.
    """
    answer = await _ask(directory, {"ls": True})
    devices = cast("dict[str, _Entry]", answer["devices"])
    return tuple(
        Listed(
            name=name,
            port=entry["port"],
            kind=entry["kind"],
            address=entry["address"],
            actions=tuple(entry["actions"]),
        )
        for name, entry in devices.items()
    )


async def _ask(directory: Path, request: Mapping[str, object]) -> Mapping[str, object]:
    control = directory / "control.sock"
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(control, limit=_LONGEST_LINE)
            try:
                writer.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
    except TimeoutError as error:
        raise SimError(f"no answer within {_ANSWER_S} s") from error
    except OSError as error:
        raise SimError(f"no virtual devices are served in {directory}") from error
    if not line:
        raise SimError("the virtual devices ended meanwhile")
    answer: dict[str, object] = json.loads(line)
    if answer.pop("ok") is not True:
        actions = cast("list[str]", answer.get("actions", []))
        raise SimError(str(answer.get("why")), tuple(actions))
    return answer
