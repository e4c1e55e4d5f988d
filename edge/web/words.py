"""Every word of the pages, Chinese and English side by side, from one file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
HTML_LANG: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}

_FILE = Path(__file__).parent / "words.toml"


def load() -> dict[str, dict[str, str]]:
    """Words by key: `{"zh": …, "en": …}`, from words.toml."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def preferred(accept_language: str) -> Language:
    """The language of a browser's Accept-Language header; Chinese unless English stands first."""
    return "en" if accept_language.strip().lower().startswith("en") else "zh"
