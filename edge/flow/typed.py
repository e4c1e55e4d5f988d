"""Typed entry slows down after wrong tries; a scanner never does (operations.md, Defaults).

Two mistakes are free, as everybody makes them; the third waits 5 s, the fourth 15 s, each further
one 30 s. A hand-over or a claim ends it, ten quiet minutes too. It is per station and in memory:
what must never be guessed has a lock in the ledger besides.
"""

from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.shop import Slowness
from sync.rules.verdicts import Verdict

FREE_MISTAKES = 2
WAITS_MS = (5_000, 15_000, 30_000)
FORGOTTEN_AFTER_MS = 600_000


def must_wait(slow: Slowness, boot_ms: int) -> Refusal | None:
    """The refusal while the next typed entry waits, with its seconds."""
    left_ms = slow.until_boot_ms - boot_ms
    if left_ms <= 0:
        return None
    left_s = -(-left_ms // 1000)
    return Refusal(
        status=429,
        code="typed_wait",
        zh=f"手工输入请等 {left_s} 秒;扫码不受影响",
        en=f"Typing waits {left_s} s; scanning goes on",
        wait_s=left_s,
    )


def learn(slow: Slowness, answer: ScanAnswer, boot_ms: int) -> None:
    """Count what a typed entry turned out to be. What was answered before counts nothing."""
    if answer.repeat_of_ms is not None or answer.debounced:
        return
    if answer.verdict is Verdict.OK:
        slow.wrong = 0
        return
    if answer.kind != "unreadable" and answer.verdict is not Verdict.UNKNOWN:
        return
    if boot_ms - slow.last_boot_ms > FORGOTTEN_AFTER_MS:
        slow.wrong = 0
    slow.wrong += 1
    slow.last_boot_ms = boot_ms
    over = slow.wrong - FREE_MISTAKES
    if over > 0:
        slow.until_boot_ms = boot_ms + WAITS_MS[min(over, len(WAITS_MS)) - 1]
