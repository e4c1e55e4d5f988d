"""The pages themselves: links lead somewhere, names in them exist, no trace of a machine."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if "node_modules" not in path.parts
)
LINK = re.compile(r"(?<!`)!?\[[^\]\n]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"\[`([A-Za-z_]+)`\]\(([^)\s]+\.(?:py|js))\)")
PARTS = ["Status", "Context", "Decision", "Consequences", "What we did not choose"]
SOURCE = ("edge", "drivers", "sync", "config", "systemd", "scripts", "tests")
MAX_PICTURE_BYTES = 150_000


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_code(text: str) -> str:
    """A page without its fenced and indented blocks."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub and others make of the headings of a page."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", page.read_text(encoding="utf-8"), re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def links(page: Path) -> Iterator[str]:
    yield from LINK.findall(without_code(page.read_text(encoding="utf-8")))


def broken(page: Path, link: str) -> bool:
    if link.startswith(("https://", "http://", "mailto:")):
        return False
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if broken(page, link)] == []


def test_a_broken_link_and_a_broken_anchor_would_be_seen() -> None:
    readme = ROOT / "README.md"
    assert broken(readme, "docs/nowhere.md")
    assert broken(readme, "docs/operations.md#nowhere")
    assert not broken(readme, "docs/operations.md#exit-codes")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_function_that_a_page_names_stands_in_the_file_it_links(page: Path) -> None:
    gone: list[str] = []
    for name, link in NAMED.findall(page.read_text(encoding="utf-8")):
        code = (page.parent / link).read_text(encoding="utf-8")
        if not re.search(rf"\b(?:def|class|function|const) {name}\b", code):
            gone.append(f"{name} in {link}")
    assert gone == []


def test_every_test_that_a_page_names_exists() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/*/*.py"))
    defined = set(re.findall(r"^ *(?:async )?def (test_\w+)", code, re.MULTILINE))
    wanted = {
        (named(page), name)
        for page in PAGES
        for name in re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))
    }
    assert wanted
    assert {(page, name) for page, name in wanted if name not in defined} == set()


def test_every_page_is_reached_from_the_readme() -> None:
    readme = ROOT / "README.md"
    reached, waiting = {readme}, [readme]
    while waiting:
        page = waiting.pop()
        for link in links(page):
            name = link.partition("#")[0]
            target = (page.parent / name).resolve() if name else page
            more = sorted(target.glob("*.md")) if target.is_dir() else [target]
            for each in more:
                if each.suffix == ".md" and each.exists() and each not in reached:
                    reached.add(each)
                    waiting.append(each)
    assert {named(page) for page in PAGES} == {named(page) for page in reached}


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/adr/*.md")), ids=named)
def test_a_decision_has_its_number_its_five_parts_and_fits_a_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {page.name[:4]} \S", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE))
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(page.name[:4]) for page in ROOT.glob("docs/adr/*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_decision_that_the_code_names_exists() -> None:
    for path in tracked():
        if path.suffix != ".py" or not path.exists() or path.parts[-2] == "docs":
            continue
        for number in re.findall(r"\bADR (\d{4})\b", path.read_text(encoding="utf-8")):
            assert list(ROOT.glob(f"docs/adr/{number}-*.md")), f"{named(path)}: ADR {number}"


# In pieces, so that this file does not hold what it looks for.
TRACES = (
    "/" + "work" + "/",
    "/" + "root" + "/",
    "/" + "home" + "/",
    "pypi" + ".org",
    "python" + "hosted",
    "registry" + ".npmjs",
    "site" + "-packages",
)


def test_no_tracked_file_names_this_machine_or_a_registry() -> None:
    found: list[str] = []
    for path in tracked():
        if not path.exists() or path.suffix in (".png", ".db") or path.is_symlink():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{named(path)}: {trace}" for trace in TRACES if trace in text]
    assert found == []


def test_pictures_are_small() -> None:
    pictures = sorted(ROOT.glob("docs/pictures/*.png"))
    assert pictures
    assert [named(each) for each in pictures if each.stat().st_size > MAX_PICTURE_BYTES] == []


def test_the_changelog_has_this_version_for_each_of_its_readers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    release = re.split(r"^## ", text, flags=re.MULTILINE)
    (entry,) = [each for each in release if each.startswith(f"[{project['version']}]")]
    readers = re.findall(r"^### (.+)$", entry, re.MULTILINE)
    assert readers == ["For operators", "For integrators", "For everyone else"]
