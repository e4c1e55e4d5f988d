"""Words: both languages whole, each used, and none hidden elsewhere."""

import re
import string
import tomllib
from pathlib import Path

import pytest

from drivers.ports.printer import Trouble
from edge.web import words

WEB = Path(words.__file__).parent
STORE = {"store.js", "short.js", "store.html"}
EVERY = [*sorted((WEB / "static").glob("*.js")), *sorted((WEB / "templates").glob("*.html"))]
SOURCES = [path for path in EVERY if path.name not in STORE]
SHARED = ("core.js", "node.js", "dialogs.js", "people.js", "stranger.html")
STORE_SOURCES = [path for path in EVERY if path.name in STORE or path.name in SHARED]
TABLE = words.load()
STORE_TABLE = words.load_store()
BUILT = re.compile(
    r"^(age|basis|clock|device|link|role|slip|theme|trouble|who)_"
    r"|^(ambient|chilled|frozen|reason_\w+|banner_\w+)$"
)
STORE_BUILT = re.compile(r"^(timer|life|state|kind)_|^(dispatch|receive|short)$")
Table = dict[str, dict[str, str]]
HEADLINES = {
    "idle",
    "go",
    "give",
    "done",
    "wait",
    "stop",
    "ask",
    "again",
    "info",
    "noted",
    "undone",
}
HEADLINES |= {"repeat", "taken", "joining", "pin"}


def holes(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("table", [TABLE, STORE_TABLE], ids=["counter", "store"])
def test_every_word_stands_in_both_languages_with_the_same_holes(table: Table) -> None:
    for key, both in table.items():
        assert set(both) == set(words.LANGUAGES), key
        for language in words.LANGUAGES:
            assert both[language].strip(), key
        assert holes(both["zh"]) == holes(both["en"]), key


@pytest.mark.parametrize("table", [TABLE, STORE_TABLE], ids=["counter", "store"])
def test_chinese_is_chinese_and_english_is_not(table: Table) -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    for key, both in table.items():
        if key in ("language", "from_to", "line_found"):  # each names the other; no words in it
            continue
        assert han.search(both["zh"]), key
        assert not han.search(both["en"]), key


@pytest.mark.parametrize(
    ("sources", "table"),
    [(SOURCES, TABLE), (STORE_SOURCES, STORE_TABLE)],
    ids=["counter", "store"],
)
def test_every_word_that_a_page_names_exists(sources: list[Path], table: Table) -> None:
    for path in sources:
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"\b(?:t|other|bothWords)\('(\w+)'", text))
        named |= set(re.findall(r'data-(?:word|label)="(\w+)"', text))
        named |= set(re.findall(r"\{\{ t\.(\w+) \}\}", text))
        assert named <= set(table), (path.name, named - set(table))


def test_every_word_is_used() -> None:
    everything = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    unused = [
        key
        for key in TABLE
        if not re.search(rf"""['"](?:{key})['"]|\bt\.{key}\b""", everything)
        and not BUILT.match(key)
        and key not in HEADLINES
    ]
    assert unused == []


def test_every_word_of_the_store_page_is_used() -> None:
    own = tomllib.loads((WEB / "store_words.toml").read_text(encoding="utf-8"))
    everything = "\n".join(path.read_text(encoding="utf-8") for path in STORE_SOURCES)
    unused = [
        key
        for key in own
        if not re.search(rf"""['"](?:{key})['"]|\bt\.{key}\b""", everything)
        and not STORE_BUILT.match(key)
    ]
    assert unused == []


def test_no_words_hide_in_the_scripts_or_the_templates() -> None:
    """Patterns that read a place's own text are code, not words."""
    han = re.compile(r"[\u4e00-\u9fff]")
    for path in EVERY:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not han.search(line) or "/[冷藏冻]/" in line, (path.name, line)


def test_english_first_is_asked_for_by_the_browser() -> None:
    assert words.preferred("en-GB,en;q=0.9") == "en"
    assert words.preferred("zh-CN,en;q=0.9") == "zh"
    assert words.preferred("") == "zh"


def test_every_trouble_of_a_printer_has_its_words() -> None:
    for trouble in Trouble:
        assert f"trouble_{trouble.value}" in TABLE
