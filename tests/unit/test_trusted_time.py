"""Trusted time: late, never early, whatever the wall clock, the power and the line do."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.trusted_time import MAX_STEP_MS, SYNCED_FOR_MS, Anchor, TrustedTime

NOON_MS = 1_790_000_000_000
NEVER = TrustedTime(floor_ms=0, started_boot_ms=1_000, boot_id="a")
HEARD = NEVER.heard(NOON_MS, asked_boot_ms=2_000, answered_boot_ms=2_400)


def restarted(known: TrustedTime, *, boot_ms: int, boot_id: str, floor_ms: int) -> TrustedTime:
    """What a new process reads from the ledger: the floor, and the anchor of its own boot."""
    anchor = known.anchor if known.anchor is not None and known.anchor.boot_id == boot_id else None
    return TrustedTime(floor_ms=floor_ms, started_boot_ms=boot_ms, boot_id=boot_id, anchor=anchor)


def test_a_box_that_never_heard_hq_does_not_know_the_time() -> None:
    assert NEVER.now_ms(500_000) == 0
    assert NEVER.state(500_000) == "unsure"


def test_what_was_heard_is_true_at_the_later_reading_and_goes_on_with_boot_time() -> None:
    assert HEARD.now_ms(2_400) == NOON_MS
    assert HEARD.now_ms(62_400) == NOON_MS + 60_000


@pytest.mark.parametrize(
    ("after_ms", "state"),
    [
        (0, "synced"),
        (SYNCED_FOR_MS, "synced"),
        (SYNCED_FOR_MS + 1, "holdover"),
        (10**10, "holdover"),
    ],
)
def test_an_hour_after_hearing_it_is_holdover(after_ms: int, state: str) -> None:
    assert HEARD.state(2_400 + after_ms) == state


def test_a_restart_within_the_same_boot_loses_nothing() -> None:
    again = restarted(HEARD, boot_ms=100_000, boot_id="a", floor_ms=NOON_MS)
    assert again.now_ms(122_400) == NOON_MS + 120_000
    assert again.state(122_400) == "synced"


def test_after_a_reboot_time_stands_at_the_floor_and_is_unsure() -> None:
    floor_ms = NOON_MS + 5_000
    again = restarted(HEARD, boot_ms=700, boot_id="b", floor_ms=floor_ms)
    assert again.now_ms(700) == floor_ms
    assert again.now_ms(60_700) == floor_ms + 60_000
    assert again.state(700) == "unsure"


def test_an_anchor_of_another_boot_is_not_used_even_when_it_was_kept() -> None:
    mixed = replace(HEARD, boot_id="b", started_boot_ms=0)
    assert mixed.now_ms(10) == NOON_MS + 10
    assert mixed.state(10) == "unsure"


def test_hearing_again_after_a_reboot_makes_it_sure() -> None:
    again = restarted(HEARD, boot_ms=700, boot_id="b", floor_ms=NOON_MS)
    later = again.heard(NOON_MS + 86_400_000, asked_boot_ms=800, answered_boot_ms=900)
    assert later.state(900) == "synced"
    assert later.now_ms(1_900) == NOON_MS + 86_401_000


@pytest.mark.parametrize(
    "wrong_ms",
    [0, 1, NOON_MS - 3_600_000, 4_070_908_800_000],
    ids=["1970", "epoch+1", "-1h", "2099"],
)
def test_a_wrong_signed_time_does_not_move_the_floor_back_or_absurdly_ahead(wrong_ms: int) -> None:
    after = HEARD.heard(wrong_ms, asked_boot_ms=10_000, answered_boot_ms=10_100)
    assert after.now_ms(10_100) == HEARD.now_ms(10_100)
    assert after.floor_ms < NOON_MS + MAX_STEP_MS


def test_a_time_absurdly_far_ahead_changes_nothing_at_all() -> None:
    forged = NOON_MS + MAX_STEP_MS + 1
    assert HEARD.heard(forged, asked_boot_ms=10_000, answered_boot_ms=10_100) == HEARD


def test_the_first_time_that_is_heard_is_taken_as_it_is() -> None:
    assert HEARD.anchor == Anchor(hub_ms=NOON_MS, boot_ms=2_400, boot_id="a")
    assert HEARD.floor_ms == NOON_MS


def test_a_boot_reading_before_the_anchor_does_not_take_time_back() -> None:
    assert HEARD.now_ms(0) == NOON_MS


# ------------------------------------------------------------------ whatever happens


@dataclass(frozen=True, slots=True)
class Wait:
    ms: int


@dataclass(frozen=True, slots=True)
class Hear:
    """An honest hub's time, true within the round trip, `late_ms` into it."""

    round_trip_ms: int
    late_ms: int


@dataclass(frozen=True, slots=True)
class Forged:
    """A signed time that is wrong by so much."""

    off_ms: int


@dataclass(frozen=True, slots=True)
class Restart:
    pass


@dataclass(frozen=True, slots=True)
class Reboot:
    """Power was off so long; the floor was persisted by an act or not."""

    off_ms: int


waits = st.integers(0, 200_000_000)
honest = st.lists(
    st.builds(Wait, waits)
    | st.builds(
        lambda trip, part: Hear(trip, trip * part // 100),
        st.integers(0, 30_000),
        st.integers(0, 100),
    )
    | st.builds(Restart)
    | st.builds(Reboot, waits),
    max_size=30,
)
hostile = st.lists(
    st.builds(Wait, waits)
    | st.builds(Forged, st.integers(-(10**13), 10**13))
    | st.builds(Restart)
    | st.builds(Reboot, waits),
    max_size=30,
)


@dataclass(slots=True)
class Box:
    """A box in true time. Only its boot clock and what HQ signs reach the rules."""

    true_ms: int = NOON_MS
    boot_ms: int = 5_000
    boots: int = 1
    persisted_ms: int = 0
    known: TrustedTime = field(
        default_factory=lambda: TrustedTime(floor_ms=0, started_boot_ms=5_000, boot_id="1")
    )
    seen: list[int] = field(default_factory=list)

    def do(self, event: Wait | Hear | Forged | Restart | Reboot) -> None:
        match event:
            case Wait(ms):
                self._pass(ms)
            case Hear(round_trip_ms, late_ms):
                asked = self.boot_ms
                self._pass(late_ms)
                signed = self.true_ms
                self._pass(round_trip_ms - late_ms)
                self._hear(signed, asked)
            case Forged(off_ms):
                self._hear(max(0, self.true_ms + off_ms), self.boot_ms)
            case Restart():
                self._begin()
            case Reboot(off_ms):
                self.true_ms += off_ms
                self.boot_ms, self.boots = 3_000, self.boots + 1
                self._begin()

    def now_ms(self) -> int:
        now = self.known.now_ms(self.boot_ms)
        self.persisted_ms = max(self.persisted_ms, now)  # every act writes it
        self.seen.append(now)
        return now

    def _pass(self, ms: int) -> None:
        self.true_ms += ms
        self.boot_ms += ms
        self.now_ms()  # an act falls here, also while a question is under way

    def _hear(self, signed: int, asked: int) -> None:
        self.known = self.known.heard(signed, asked_boot_ms=asked, answered_boot_ms=self.boot_ms)
        self.persisted_ms = max(self.persisted_ms, self.known.floor_ms)

    def _begin(self) -> None:
        self.known = restarted(
            self.known,
            boot_ms=self.boot_ms,
            boot_id=str(self.boots),
            floor_ms=self.persisted_ms,
        )


@given(honest)
def test_with_an_honest_hub_it_is_never_early(events: list[Wait | Hear | Restart | Reboot]) -> None:
    box = Box()
    for event in events:
        box.do(event)
        assert box.now_ms() <= box.true_ms


@given(honest)
def test_it_never_goes_back(events: list[Wait | Hear | Restart | Reboot]) -> None:
    box = Box()
    for event in events:
        box.do(event)
        box.now_ms()
    assert box.seen == sorted(box.seen)


@given(hostile)
def test_it_never_goes_back_whatever_is_signed(
    events: list[Wait | Forged | Restart | Reboot],
) -> None:
    box = Box()
    box.do(Hear(0, 0))
    for event in events:
        before = box.now_ms()
        box.do(event)
        waited = event.ms if isinstance(event, Wait) else 0
        assert box.now_ms() <= before + max(waited, MAX_STEP_MS)
    assert box.seen == sorted(box.seen)


@given(honest)
def test_sure_means_heard_in_this_boot(events: list[Wait | Hear | Restart | Reboot]) -> None:
    box = Box()
    heard_in = 0
    for event in events:
        box.do(event)
        if isinstance(event, Hear):
            heard_in = box.boots
        assert (box.known.state(box.boot_ms) != "unsure") == (heard_in == box.boots)
