"""Words are whole: every reason has both languages and a next step that somebody can do."""

import pytest

from sync.rules.verdicts import STEPS, Verdict, Who, next_step, reason, reason_codes


def test_there_are_nine_verdicts_and_one_is_green() -> None:
    assert [each.value for each in Verdict] == [
        "ok",
        "already",
        "expired",
        "revoked",
        "unknown",
        "not_here",
        "clock_unsure",
        "locked",
        "review",
    ]


@pytest.mark.parametrize("code", reason_codes())
def test_every_reason_speaks_both_languages_and_says_what_next(code: str) -> None:
    words = reason(code)
    assert words.code == code
    assert words.zh
    assert words.en
    assert any("\u4e00" <= char <= "\u9fff" for char in words.zh)
    assert words.en.isascii()
    step = next_step(code)
    assert step.words.zh
    assert step.words.en.isascii()
    assert isinstance(step.who, Who)


def test_every_step_is_the_next_step_of_some_reason() -> None:
    used = {next_step(code).words.code for code in reason_codes()}
    assert set(STEPS) == used
