"""The menu of a virtual printer: what can be wrong with it, and what can be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.sim.device import NoSuchAction

ACTIONS = (
    "paper_out",
    "paper_in",
    "paper_low",
    "cover_open",
    "cover_close",
    "power_off",
    "power_on",
    "silent_on",
    "silent_off",
    "drop_buffer",
    "dle_only_on",
    "dle_only_off",
    "gs_r_only_on",
    "gs_r_only_off",
    "late_answer_on",
    "late_answer_off",
    "cut_halfway",
    "slow",
    "one_client_on",
    "one_client_off",
    "stray_byte_on",
    "stray_byte_off",
    "clean_start_on",
    "clean_start_off",
    "drawer_close",
    "tear",
    "papers",
    "state",
    "reset",
)


@dataclass(slots=True)
class Faults:
    """What is wrong with it on purpose."""

    silent: bool = False
    dle_only: bool = False
    gs_r_only: bool = False
    late_answer: bool = False
    stray_byte: bool = False
    one_client: bool = False
    clean_start: bool = False
    drop_buffer: bool = False
    slow_ms: int = 0
    rows_to_paper_out: int | None = None
    rows_to_power_off: int | None = None

    def toggle(self, fault: str, *, on: bool) -> None:
        """Switch a lasting fault.

        Raises:
            NoSuchAction: there is no such fault.
        """
        match fault:
            case "silent":
                self.silent = on
            case "stray_byte":
                self.stray_byte = on
            case "dle_only":
                self.dle_only = on
            case "gs_r_only":
                self.gs_r_only = on
            case "late_answer":
                self.late_answer = on
            case "one_client":
                self.one_client = on
            case "clean_start":
                self.clean_start = on
            case _:
                raise NoSuchAction(f"{fault}_{'on' if on else 'off'}", ACTIONS)


def number(args: Mapping[str, str], key: str, otherwise: int) -> int:
    """A number of a menu's arguments.

    Raises:
        ValueError: not a number, or negative.
    """
    try:
        number = int(args.get(key, otherwise))
    except ValueError:
        raise ValueError(f"{key} is a number, not {args[key]!r}") from None
    if number < 0:
        raise ValueError(f"{key} is not negative")
    return number
