r"""Key events of a keyboard-wedge scanner → readings. Sans-IO.

Input is what evdev gives: (type, code, value) and the event's own time stamp. What counts:

- Presses (value 1) write, releases (0) end modifiers, auto-repeat (2) is ignored.
- Shift inverts Caps Lock on letters and nothing else. Caps Lock belongs to this device: it starts
  off and follows the device's own key.
- Ctrl + a character of `@A-Z[\]^_` is a control character; Ctrl+] is 0x1D, the way most scanners
  send FNC1.
- Alt + keypad digits is a code point, written when Alt is released: Unicode, or a GBK pair (the
  usual way to send Chinese) by setting. Some scanners put Alt and *all* digits into one report; a
  repeated digit then leaves no second press and the number cannot be recovered. That shows as a
  digit pressed while another is still down: the reading is dropped and the fault says so.
- Enter, keypad Enter or Tab end a reading.

A reading is spoiled, dropped whole at its end and reported, by a pause longer than the gap (by
event time stamps, so that a busy node spoils nothing), a key that has no character, events that the
kernel had to drop, or a code that is none. As on a serial line, nothing is ever shortened; with
`suffix=none` alone the pause ends the reading.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from drivers.ports.scanner import Fault, Reading, Spoiled
from drivers.scanner.layouts import KEYPAD, LAYOUTS
from drivers.scanner.payload import MAX_DATA_BYTES, unwrap

EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3

_ENTERS = frozenset((28, 96))
_TAB = 15
_SHIFTS = frozenset((42, 54))
_CTRLS = frozenset((29, 97))
_LEFT_ALT, _RIGHT_ALT = 56, 100
_CAPS_LOCK = 58
# Num Lock, Scroll Lock, both Windows keys and Menu change nothing that we read.
_IGNORED = frozenset((69, 70, 125, 126, 127))
_PRESS, _RELEASE = 1, 0
_MAX_ALT_DIGITS = 7


class KeySuffix(StrEnum):
    """Which keys end a reading: any of the three, Enter alone, Tab alone, or only a pause."""

    AUTO = "auto"
    ENTER = "enter"
    TAB = "tab"
    NONE = "none"


class AltCode(StrEnum):
    """What Alt + keypad digits mean."""

    UNICODE = "unicode"
    GBK = "gbk"


_END_KEYS: dict[KeySuffix, frozenset[int]] = {
    KeySuffix.AUTO: _ENTERS | {_TAB},
    KeySuffix.ENTER: _ENTERS,
    KeySuffix.TAB: frozenset((_TAB,)),
    KeySuffix.NONE: _ENTERS | {_TAB},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyboard:
    """How the scanner is programmed; `gs` is what it sends for 0x1D, empty when it sends Ctrl+]."""

    layout: str = "us"
    suffix: KeySuffix = KeySuffix.AUTO
    alt: AltCode = AltCode.UNICODE
    gap_ms: int = 50
    gs: bytes = b""

    def __post_init__(self) -> None:
        """Reject a layout that has no table."""
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout {self.layout!r}: there are {', '.join(LAYOUTS)}")


@dataclass(slots=True)
class _Reading:
    text: list[str] = field(default_factory=list[str])
    keys: int = 0
    spoiled: Fault | None = None


class KeyboardDecoder:
    """One keyboard's state and the reading that it is in."""

    def __init__(self, keyboard: Keyboard) -> None:
        self._keyboard = keyboard
        self._layout = LAYOUTS[keyboard.layout]
        self._ends = _END_KEYS[keyboard.suffix]
        self._held: set[int] = set()
        self._caps = False
        self._alt_digits = ""
        self._reading = _Reading()
        self._last_us = 0
        self._resync = False

    def feed(self, kind: int, code: int, value: int, *, at_us: int, boot_ms: int) -> list[Reading]:
        """Take one event; `at_us` is its own time stamp, `boot_ms` goes into the reading."""
        if kind == EV_SYN:
            self._synchronise(code)
            return []
        if kind != EV_KEY or value not in (_PRESS, _RELEASE) or self._resync:
            return []
        found: list[Reading] = []
        if self._reading.keys and abs(at_us - self._last_us) > self._keyboard.gap_ms * 1000:
            found.extend(self._pause(boot_ms))
        self._last_us = at_us
        if value == _RELEASE:
            self._release(code)
        elif code in self._ends and not self._held & _CTRLS:
            found.extend(self._finish(boot_ms))
        else:
            self._press(code)
        if self._reading.text and self._reading.text[-1] in "\r\n\x03":
            found.extend(self._finish(boot_ms))
        return found

    def silence(self, *, boot_ms: int) -> list[Reading]:
        """No event came for the whole gap: with `suffix=none` that ends the reading."""
        if self._keyboard.suffix is not KeySuffix.NONE or not self._reading.keys:
            return []
        return self._finish(boot_ms)

    @property
    def unfinished(self) -> bool:
        """Whether a reading has begun."""
        return self._reading.keys > 0

    def _synchronise(self, code: int) -> None:
        if code == SYN_DROPPED:
            self._held.clear()
            self._alt_digits = ""
            self._spoil(Fault.EVENTS_LOST)
            self._resync = True
        elif code == SYN_REPORT:
            self._resync = False

    def _pause(self, boot_ms: int) -> list[Reading]:
        if self._keyboard.suffix is KeySuffix.NONE:
            return self._finish(boot_ms)
        self._spoil(Fault.GAP)
        return []

    def _release(self, code: int) -> None:
        self._held.discard(code)
        if code in (_LEFT_ALT, _RIGHT_ALT) and self._alt_digits:
            self._write_alt_code()

    def _press(self, code: int) -> None:
        if code == _CAPS_LOCK:
            self._caps = not self._caps
        elif code in _SHIFTS or code in _CTRLS or code in (_LEFT_ALT, _RIGHT_ALT):
            self._held.add(code)
        elif code not in _IGNORED:
            self._reading.keys += 1
            self._write(code)
            self._held.add(code)

    def _write(self, code: int) -> None:
        if self._held & {_LEFT_ALT, _RIGHT_ALT} and KEYPAD.get(code, "").isdigit():
            if any(KEYPAD.get(held, "").isdigit() for held in self._held):
                self._spoil(Fault.ALT_BURST)
            self._alt_digits += KEYPAD[code]
            return
        char = self._character(code)
        if char is None or _LEFT_ALT in self._held:
            self._spoil(Fault.KEY_UNKNOWN)
        elif self._held & _CTRLS:
            upper = char.upper()
            if len(upper) == 1 and "@" <= upper <= "_":
                self._append(chr(ord(upper) & 0x1F))
            else:
                self._spoil(Fault.KEY_UNKNOWN)
        else:
            self._append(char)

    def _character(self, code: int) -> str | None:
        if code in KEYPAD:
            return KEYPAD[code]
        if code == _TAB:
            return "\t"
        if _RIGHT_ALT in self._held:
            return self._layout.altgr.get(code)
        shifted = bool(self._held & _SHIFTS)
        if code in self._layout.letters:
            shifted ^= self._caps
        return (self._layout.shift if shifted else self._layout.plain).get(code)

    def _write_alt_code(self) -> None:
        digits, self._alt_digits = self._alt_digits, ""
        number = int(digits) if len(digits) <= _MAX_ALT_DIGITS else -1
        char: str | None = None
        if 0 < number < 0x80:
            char = chr(number)
        elif self._keyboard.alt is AltCode.UNICODE:
            if 0x80 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF:
                char = chr(number)
        elif 0x100 <= number <= 0xFFFF:
            try:
                char = number.to_bytes(2, "big").decode("gbk")
            except UnicodeDecodeError:
                char = None
        if char is None:
            self._spoil(Fault.ALT_CODE)
        else:
            self._append(char)

    def _append(self, char: str) -> None:
        if len(self._reading.text) > MAX_DATA_BYTES:
            self._spoil(Fault.OVERLONG)
        elif self._reading.spoiled is None:
            self._reading.text.append(char)

    def _spoil(self, fault: Fault) -> None:
        if self._reading.spoiled is None:
            self._reading.spoiled = fault
            self._reading.text.clear()
        self._reading.keys = max(1, self._reading.keys)

    def _finish(self, boot_ms: int) -> list[Reading]:
        reading, self._reading = self._reading, _Reading()
        self._alt_digits = ""
        if reading.spoiled is not None:
            return [Spoiled(fault=reading.spoiled, size=reading.keys)]
        outcome = unwrap("".join(reading.text).encode(), gs=self._keyboard.gs, boot_ms=boot_ms)
        return [] if outcome is None else [outcome]
