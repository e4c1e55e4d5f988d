"""Key events become readings; the events are python-evdev's own."""

import pytest
from evdev import InputEvent, ecodes

from drivers.ports.scanner import Fault, Reading, Scan
from drivers.scanner.hid_decoder import AltCode, Keyboard, KeyboardDecoder, KeySuffix
from drivers.sim.keyboard import Report, Typing, reports

STEP_US = 1000


class Typist:
    """Feeds reports to a decoder one millisecond apart, by the events' own time stamps."""

    def __init__(self, keyboard: Keyboard | None = None) -> None:
        self.decoder = KeyboardDecoder(keyboard or Keyboard())
        self.now_us = 1_700_000_000_000_000
        self.outcomes: list[Reading] = []

    def event(self, kind: int, code: int, value: int) -> None:
        event = InputEvent(*divmod(self.now_us, 1_000_000), kind, code, value)
        self.outcomes += self.decoder.feed(
            event.type,
            event.code,
            event.value,
            at_us=event.sec * 1_000_000 + event.usec,
            boot_ms=5,
        )

    def report(self, report: Report) -> None:
        for code, value in report:
            self.event(ecodes.EV_KEY, code, value)
        self.event(ecodes.EV_SYN, ecodes.SYN_REPORT, 0)
        self.now_us += STEP_US

    def type(self, text: str, suffix: str = "enter", typing: Typing | None = None) -> None:
        for report in reports(text, suffix, typing or Typing()):
            self.report(report)

    def press(self, *codes: int) -> None:
        for code in codes:
            self.report(((code, 1),))
            self.report(((code, 0),))

    def take(self) -> list[bytes | Fault]:
        taken, self.outcomes = self.outcomes, []
        return [each.data if isinstance(each, Scan) else each.fault for each in taken]


def test_positions_by_their_evdev_names_write_the_us_layout() -> None:
    typist = Typist()
    typist.press(ecodes.KEY_6, ecodes.KEY_KP9, ecodes.KEY_Q, ecodes.KEY_MINUS, ecodes.KEY_SLASH)
    typist.press(ecodes.KEY_ENTER)
    assert typist.take() == [b"69q-/"]


def test_shift_counts_only_while_it_is_held() -> None:
    typist = Typist()
    typist.report(((ecodes.KEY_LEFTSHIFT, 1), (ecodes.KEY_A, 1)))
    typist.report(((ecodes.KEY_A, 0), (ecodes.KEY_LEFTSHIFT, 0)))
    typist.press(ecodes.KEY_A, ecodes.KEY_1, ecodes.KEY_ENTER)
    assert typist.take() == [b"Aa1"]


def test_one_of_two_shifts_released_leaves_the_other() -> None:
    typist = Typist()
    typist.report(((ecodes.KEY_LEFTSHIFT, 1), (ecodes.KEY_RIGHTSHIFT, 1)))
    typist.report(((ecodes.KEY_LEFTSHIFT, 0),))
    typist.press(ecodes.KEY_B)
    typist.report(((ecodes.KEY_RIGHTSHIFT, 0),))
    typist.press(ecodes.KEY_ENTER)
    assert typist.take() == [b"B"]


def test_caps_lock_turns_letters_and_no_digits_and_shift_turns_them_back() -> None:
    typist = Typist()
    typist.press(ecodes.KEY_CAPSLOCK, ecodes.KEY_A, ecodes.KEY_1)
    typist.report(((ecodes.KEY_LEFTSHIFT, 1), (ecodes.KEY_A, 1)))
    typist.report(((ecodes.KEY_A, 0), (ecodes.KEY_LEFTSHIFT, 0)))
    typist.press(ecodes.KEY_CAPSLOCK, ecodes.KEY_A, ecodes.KEY_ENTER)
    assert typist.take() == [b"A1aa"]


def test_auto_repeat_writes_nothing() -> None:
    typist = Typist()
    typist.report(((ecodes.KEY_5, 1),))
    for _ in range(5):
        typist.report(((ecodes.KEY_5, 2),))
    typist.report(((ecodes.KEY_5, 0),))
    typist.press(ecodes.KEY_ENTER)
    assert typist.take() == [b"5"]


def test_an_end_key_alone_is_no_reading() -> None:
    typist = Typist()
    typist.press(ecodes.KEY_ENTER, ecodes.KEY_TAB, ecodes.KEY_KPENTER)
    assert typist.take() == []


def test_a_tab_is_data_when_only_enter_ends() -> None:
    typist = Typist(Keyboard(suffix=KeySuffix.ENTER))
    typist.press(ecodes.KEY_A, ecodes.KEY_TAB, ecodes.KEY_B, ecodes.KEY_ENTER)
    assert typist.take() == [b"a\tb"]


def test_a_long_gap_by_time_stamps_drops_head_and_tail() -> None:
    typist = Typist()
    typist.press(ecodes.KEY_1, ecodes.KEY_2)
    typist.now_us += 60_000
    typist.press(ecodes.KEY_3, ecodes.KEY_ENTER)
    typist.type("next")
    assert typist.take() == [Fault.GAP, b"next"]


def test_a_gap_between_two_codes_is_nothing() -> None:
    typist = Typist()
    typist.type("one")
    typist.now_us += 60_000_000
    typist.type("two")
    assert typist.take() == [b"one", b"two"]


def test_without_an_end_key_the_gap_ends_the_reading() -> None:
    typist = Typist(Keyboard(suffix=KeySuffix.NONE))
    typist.type("one", "none")
    typist.now_us += 60_000
    typist.type("two", "none")
    assert typist.take() == [b"one"]
    assert typist.decoder.silence(boot_ms=9) == [Scan(data=b"two", boot_ms=9)]


def test_control_bracket_is_fnc1_and_control_m_ends() -> None:
    typist = Typist()
    typist.type("a\x1db\r", "none")
    assert typist.take() == [b"a\x1db"]


@pytest.mark.parametrize(
    ("alt", "digits", "char"),
    [
        (AltCode.UNICODE, "25209", "批"),
        (AltCode.UNICODE, "029", "\x1d"),
        (AltCode.GBK, "50614", "哦"),
        (AltCode.GBK, "065", "A"),
    ],
)
def test_alt_and_keypad_digits_write_a_code_point(alt: AltCode, digits: str, char: str) -> None:
    keypad = {str(n): getattr(ecodes, f"KEY_KP{n}") for n in range(10)}
    typist = Typist(Keyboard(alt=alt))
    typist.press(ecodes.KEY_X)
    typist.report(((ecodes.KEY_LEFTALT, 1),))
    typist.press(*(keypad[digit] for digit in digits))
    typist.report(((ecodes.KEY_LEFTALT, 0),))
    typist.press(ecodes.KEY_Y, ecodes.KEY_ENTER)
    assert typist.take() == [f"x{char}y".encode()]


@pytest.mark.parametrize(("alt", "digits"), [(AltCode.UNICODE, "55296"), (AltCode.GBK, "33023")])
def test_a_number_that_is_no_character_drops_the_reading(alt: AltCode, digits: str) -> None:
    typist = Typist(Keyboard(alt=alt))
    typist.report(((ecodes.KEY_LEFTALT, 1),))
    typist.press(*(getattr(ecodes, f"KEY_KP{digit}") for digit in digits))
    typist.report(((ecodes.KEY_LEFTALT, 0),))
    typist.press(ecodes.KEY_ENTER)
    assert typist.take() == [Fault.ALT_CODE]


def test_all_digits_of_an_alt_code_in_one_report_are_seen_as_unrecoverable() -> None:
    # 04 00 62 60 62: Alt with keypad 0, 8, 0; the second 0 leaves no press of its own.
    typist = Typist()
    typist.report(((ecodes.KEY_LEFTALT, 1), (ecodes.KEY_KP0, 1), (ecodes.KEY_KP8, 1)))
    typist.report(((ecodes.KEY_KP0, 0), (ecodes.KEY_KP8, 0), (ecodes.KEY_LEFTALT, 0)))
    typist.press(ecodes.KEY_ENTER)
    typist.type("next")
    assert typist.take() == [Fault.ALT_BURST, b"next"]


def test_a_key_without_a_character_drops_the_reading() -> None:
    typist = Typist()
    typist.press(ecodes.KEY_1, ecodes.KEY_F13, ecodes.KEY_2, ecodes.KEY_ENTER)
    assert typist.take() == [Fault.KEY_UNKNOWN]


def test_events_that_the_kernel_dropped_drop_the_reading_and_the_modifiers() -> None:
    typist = Typist()
    typist.press(ecodes.KEY_1)
    typist.report(((ecodes.KEY_LEFTSHIFT, 1),))
    typist.event(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0)
    typist.event(ecodes.EV_KEY, ecodes.KEY_RIGHTSHIFT, 1)
    typist.event(ecodes.EV_SYN, ecodes.SYN_REPORT, 0)
    typist.press(ecodes.KEY_3, ecodes.KEY_ENTER)
    typist.type("ab")
    assert typist.take() == [Fault.EVENTS_LOST, b"ab"]


def test_four_thousand_characters_pass_and_one_more_is_dropped() -> None:
    typist = Typist()
    typist.type("7" * 4096)
    typist.type("7" * 4097)
    assert typist.take() == [b"7" * 4096, Fault.OVERLONG]


def test_a_layout_without_a_table_is_an_error_that_lists_them() -> None:
    with pytest.raises(ValueError, match="us, de, fr"):
        Keyboard(layout="it")


@pytest.mark.parametrize(
    ("layout", "code", "shift", "char"),
    [
        ("de", ecodes.KEY_Y, False, "z"),
        ("de", ecodes.KEY_MINUS, False, "ß"),
        ("de", ecodes.KEY_7, True, "/"),
        ("fr", ecodes.KEY_1, True, "1"),
        ("fr", ecodes.KEY_1, False, "&"),
        ("fr", ecodes.KEY_Q, False, "a"),
        ("fr", ecodes.KEY_SEMICOLON, False, "m"),
        ("us", ecodes.KEY_APOSTROPHE, True, '"'),
    ],
)
def test_landmarks_of_the_layouts(layout: str, code: int, shift: bool, char: str) -> None:
    typist = Typist(Keyboard(layout=layout))
    if shift:
        typist.report(((ecodes.KEY_RIGHTSHIFT, 1),))
    typist.press(code)
    if shift:
        typist.report(((ecodes.KEY_RIGHTSHIFT, 0),))
    typist.press(ecodes.KEY_ENTER)
    assert typist.take() == [char.encode()]


@pytest.mark.parametrize("char", list("@{[]}\\~|"))
@pytest.mark.parametrize("layout", ["de", "fr"])
def test_characters_on_the_third_level_need_the_right_alt(layout: str, char: str) -> None:
    typist = Typist(Keyboard(layout=layout))
    typist.type(char, typing=Typing(layout=layout, alt="none"))
    assert typist.take() == [char.encode()]
