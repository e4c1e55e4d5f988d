"""Which steps are of this moment: random phones, photos and replays against the rule in words."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.domain.rotating import MAX_SKEW_STEPS, StepsSeen, freshness

STEPS = st.integers(0, 2**40)
SMALL = st.integers(-6, 6)
SEEN = st.builds(
    StepsSeen,
    accepted=st.none() | STEPS,
    skew=st.integers(-MAX_SKEW_STEPS, MAX_SKEW_STEPS),
    refused=st.none() | STEPS,
    refused_skew=st.integers(-100, 100),
)


@given(now=STEPS, off=st.integers(-(2**40), 2**40), seen=SEEN)
def test_whatever_was_seen_ninety_seconds_are_the_end(now: int, off: int, seen: StepsSeen) -> None:
    if freshness(now + off, now, seen) == "fresh":
        assert abs(off) <= MAX_SKEW_STEPS


@given(now=STEPS, off=SMALL, seen=SEEN)
def test_whatever_was_seen_no_step_up_to_the_accepted_one_is_fresh(
    now: int, off: int, seen: StepsSeen
) -> None:
    step = now + off
    judged = freshness(step, now, seen)
    assert (judged == "replayed") == (seen.accepted is not None and step <= seen.accepted)


@given(now=STEPS, off=st.integers(-1, 1))
def test_a_right_phone_is_always_served(now: int, off: int) -> None:
    assert freshness(now + off, now, StepsSeen()) == "fresh"


@given(now=st.integers(100, 2**40), ahead_s=st.integers(-75, 75), phase=st.integers(0, 29))
def test_a_phone_up_to_75_s_wrong_is_served_at_its_second_code(
    now: int, ahead_s: int, phase: int
) -> None:
    seen = StepsSeen()
    judged = []
    for wait_s in (0, 30):
        now_s = now * 30 + phase + wait_s
        step, ours = (now_s + ahead_s) // 30, now_s // 30
        judged.append(freshness(step, ours, seen))
        if judged[-1] == "stale":
            seen = StepsSeen(refused=step, refused_skew=step - ours)
        else:
            break
    assert judged[-1] == "fresh"


@dataclass
class Phone:
    """What a customer has, whose clock is wrong by some steps, and the pictures taken of it."""

    skew: int = 0
    pictures: list[int] = field(default_factory=list)


class Counter(RuleBasedStateMachine):
    """A counter, a phone and a thief with a camera: no step is accepted twice, none too old."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000
        self.phone = Phone()
        self.seen = StepsSeen()
        self.accepted: list[tuple[int, int]] = []

    def show(self, step: int) -> None:
        judged = freshness(step, self.now, self.seen)
        skew = step - self.now
        if judged == "fresh":
            self.accepted.append((step, self.now))
            self.seen = StepsSeen(accepted=step, skew=skew)
        elif judged == "stale" and (self.seen.refused is None or step > self.seen.refused):
            self.seen = StepsSeen(
                accepted=self.seen.accepted,
                skew=self.seen.skew,
                refused=step,
                refused_skew=skew,
            )

    @rule(steps=st.integers(0, 5))
    def time_passes(self, steps: int) -> None:
        self.now += steps

    @rule(skew=SMALL)
    def somebody_sets_the_phone(self, skew: int) -> None:
        self.phone.skew = skew

    @rule()
    def a_picture_is_taken(self) -> None:
        self.phone.pictures.append(self.now + self.phone.skew)

    @rule()
    def the_phone_is_shown(self) -> None:
        self.show(self.now + self.phone.skew)

    @precondition(lambda self: self.phone.pictures)
    @rule(data=st.data())
    def a_picture_is_shown(self, data: st.DataObject) -> None:
        self.show(data.draw(st.sampled_from(self.phone.pictures)))

    @invariant()
    def steps_accepted_only_grow_and_are_of_their_moment(self) -> None:
        steps = [step for step, _ in self.accepted]
        assert steps == sorted(set(steps))
        assert all(abs(step - now) <= MAX_SKEW_STEPS for step, now in self.accepted)


TestCounter = Counter.TestCase
