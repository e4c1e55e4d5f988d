"""Every word of the pages, Chinese and English side by side, from one file."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
HTML_LANG: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}

# What core, dialogs, people and the bar of the store page say; the rest is the counter's alone.
_SHARED = re.compile(
    r"^(age|approval|approve|banner|basis|clock|data|hq|link|role|theme|unsynced)(_.*)?$"
    r"|^(ambient|chilled|frozen|bag|bags|bundle|choose_person|close|delete_digit|digits|give_up_act"
    r"|goods_here|joining|language|loading|look_up|nobody|no_answer|operator|operator_hint|order"
    r"|other_person|priority|reason|reason_\w+|scan_arrived|scan_look|sent_to_printer|sign_in"
    r"|sign_out|signed_in|skip|staff_none|staff_pin|status|stranger|stranger_more|tick_goods_here"
    r"|undo|undo_late|undone|unsure_act|wait_s|store_title|trouble_\w+)$"
)
_FOLDER = Path(__file__).parent


def load(*more: str) -> dict[str, dict[str, str]]:
    """Words by key: `{"zh": …, "en": …}`, from words.toml, then from these files beside it."""
    table: dict[str, dict[str, str]] = {}
    for name in ("words.toml", *more):
        table |= tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return table


def load_store() -> dict[str, dict[str, str]]:
    """The words of the store page: its own, and those that its parts share with the counter."""
    own = tomllib.loads((_FOLDER / "store_words.toml").read_text(encoding="utf-8"))
    return {key: both for key, both in (load() | own).items() if key in own or _SHARED.match(key)}


def preferred(accept_language: str) -> Language:
    """The language of a browser's Accept-Language header; Chinese unless English stands first."""
    return "en" if accept_language.strip().lower().startswith("en") else "zh"
