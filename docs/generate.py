"""Writes the pages that are drawn from the program itself; `--check` only compares.

docs/errors.md from the error trees, docs/verdicts.md from the words of the verdicts,
docs/commands.md from the command line's own help. Run it by `scripts/docs`.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import typer.main

from sync.rules import verdicts

ROOT = Path(__file__).parent.parent
NOTE = "<!-- Drawn from the program by `scripts/docs`; edit the source that is named, not this. -->"

# Where each tree is drawn, its root, and whom it is about.
TREES: tuple[tuple[str, str, str], ...] = (
    ("drivers.ports.errors", "DeviceError", "Devices"),
    ("sync.wire.errors", "LinkError", "The line to headquarters"),
    ("sync.wire.errors", "WireError", "Messages from and to headquarters"),
    ("config.errors", "ConfigError", "The configuration"),
    ("edge.store.errors", "StoreError", "The store's own books"),
)
SEARCHED = ("drivers", "sync.wire", "sync.engine", "sync.link", "config", "edge.store")


def error_classes(root: type[Exception]) -> Iterator[type[Exception]]:
    """`root` and everything below it, by code then name."""
    found = {root}
    waiting = [root]
    while waiting:
        for child in waiting.pop().__subclasses__():
            if child not in found:
                found.add(child)
                waiting.append(child)
    yield from sorted(found, key=lambda each: (code_of(each), each.__name__))


def code_of(error: type[Exception]) -> str:
    """The stable code of an error class."""
    code: object = vars(error).get("code", "") or getattr(error, "code", "")
    return str(code)


def owns_a_code(error: type[Exception]) -> bool:
    """Whether people can meet it by its own code; one without is never shown."""
    return "code" in vars(error)


def load_all() -> None:
    """Import every module that may define an error."""
    for name in SEARCHED:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)


def errors() -> str:
    """docs/errors.md."""
    load_all()
    lines = [
        "# Errors",
        "",
        NOTE,
        "",
        "Every error that a person can meet has a code that does not change, a hint for the shop,",
        "and says whether waiting can help (*transient*). Codes stand on the screen, in the",
        "journal and in the problem documents of the API. A refusal, *already handed over*, is no",
        "error: those are in [verdicts](verdicts.md). A code that ends in `00` is the root of its",
        "tree: it is shown only for what has no better name.",
    ]
    for module, root, title in TREES:
        tree: type[Exception] = getattr(importlib.import_module(module), root)
        path = module.replace(".", "/") + ".py"
        lines += [
            "",
            f"## {title}",
            "",
            f"Drawn in [`{path}`](../{path}).",
            "",
            "| code | name | what it is | transient | what to do |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_error_row(each) for each in error_classes(tree) if owns_a_code(each)]
    return "\n".join(lines) + "\n"


def _error_row(error: type[Exception]) -> str:
    first = (error.__doc__ or "").strip().splitlines()[0]
    transient = "yes" if getattr(error, "transient", False) else "no"
    hint = getattr(error, "hint", "")
    return f"| `{code_of(error)}` | `{error.__name__}` | {first} | {transient} | {hint} |"


# Which verdict a reason goes with; "" for what is no pickup code. A new reason has to be placed.
VERDICT_OF: Mapping[str, str] = {
    **dict.fromkeys(("ready", "handed_now", "rest_ready", "not_picked"), "ok"),
    **dict.fromkeys(("rest_recalled", "provisional"), "ok"),
    **dict.fromkeys(("handed", "just_now", "at_counter", "handed_elsewhere"), "already"),
    **{"step_replayed": "already", "stale_step": "expired", "wrong_digits": "unknown"},
    "key_not_here": "review",
    **dict.fromkeys(("past_pickup_time", "lapsed"), "expired"),
    **dict.fromkeys(("cancelled", "reissued", "code_revoked", "refunded", "recalled"), "revoked"),
    **dict.fromkeys(("no_such_code", "no_such_code_offline", "bad_signature"), "unknown"),
    **dict.fromkeys(("key_unknown", "wrong_pin", "not_practice", "practice_code"), "unknown"),
    **dict.fromkeys(("other_store", "moved"), "not_here"),
    "clock": "clock_unsure",
    **{"lease_unsure": "clock_unsure", "lease_over": "review"},
    **dict.fromkeys(
        (
            *("transfer_ready", "transfer_coming", "transfer_asked", "transfer_waiting"),
            *("transfer_unreachable", "transfer_handed", "transfer_kept", "transfer_closed"),
            *("transfer_busy", "transfer_unknown", "transfer_offline"),
        ),
        "not_here",
    ),
    "three_tries": "locked",
    **dict.fromkeys(
        (
            *("lines_needed", "lines_mismatch", "grade_too_low", "pin_needed"),
            *("issued_too_early", "fenced", "not_understood", "case_open"),
        ),
        "review",
    ),
    **dict.fromkeys(
        (
            *("unreadable", "check_character", "too_long", "product", "member", "staff"),
            *("staff_unknown", "lines_kept", "unserved"),
            *("bag_label", "bag_counted", "pick_paper", "document_paper"),
        ),
        "",
    ),
}


def verdict_page() -> str:
    """docs/verdicts.md."""
    lines = [
        "# Verdicts",
        "",
        NOTE,
        "",
        "A pickup code gets one of nine verdicts, everywhere the same words: on the counter, on",
        "slips, in the API and at headquarters. Only `ok` is green. A *reason* says why, the *next",
        "step* what to do and who can do it. Source:",
        "[`sync/rules/verdicts.py`](../sync/rules/verdicts.py); the rules that choose one are",
        "[`edge/domain/pickup.py`](../edge/domain/pickup.py) and",
        "[`edge/flow/redeem.py`](../edge/flow/redeem.py).",
    ]
    for verdict in (*(each.value for each in verdicts.Verdict), ""):
        title = f"`{verdict}`" if verdict else "No pickup code"
        lines += [
            "",
            f"## {title}",
            "",
            "| reason | 中文 | English | next step | 下一步 | what to do | who |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            _reason_row(code) for code in verdicts.reason_codes() if VERDICT_OF[code] == verdict
        ]
    return "\n".join(lines) + "\n"


def _reason_row(code: str) -> str:
    words, step = verdicts.reason(code), verdicts.next_step(code)
    todo = step.words
    return (
        f"| `{code}` | {words.zh} | {words.en} | `{todo.code}` | {todo.zh} | {todo.en} "
        f"| {step.who.value} |"
    )


class Param(Protocol):
    """An argument or option, as typer's own click has it."""

    @property
    def name(self) -> str | None:
        """As the function calls it."""

    @property
    def opts(self) -> list[str]:
        """Its spellings."""

    @property
    def secondary_opts(self) -> list[str]:
        """Its spellings that mean off."""

    @property
    def param_type_name(self) -> str:
        """Option or argument."""

    @property
    def required(self) -> bool:
        """Whether there is no default."""

    @property
    def default(self) -> object:
        """Its default."""

    @property
    def metavar(self) -> str | None:
        """What stands for its value, when the function says so."""


class Command(Protocol):
    """A command or a group of them."""

    @property
    def help(self) -> str | None:
        """What its function says."""

    @property
    def params(self) -> Sequence[Param]:
        """Arguments and options."""


def commands() -> str:
    """docs/commands.md."""
    from edge.cli.app import app as node
    from sync.hub.cli import main as hub

    lines = [
        "# Commands",
        "",
        NOTE,
        "",
        "Two commands: `storeedge` on the box in the shop, `storeedge-hub` at headquarters.",
        "`--help` says the same; `--install-completion` sets up completion for your shell. What",
        "the exit codes mean stands in [operations](operations.md#exit-codes).",
    ]
    for name, app in (("storeedge", node), ("storeedge-hub", hub)):
        lines += list(_describe(typer.main.get_command(app), name))
    return "\n".join(lines) + "\n"


def _describe(command: Command, path: str) -> Iterator[str]:
    children = getattr(command, "commands", {})
    params = [each for each in command.params if each.name not in _EVERYWHERE]
    words = " ".join(_usage(each) for each in params)
    yield from ("", f"## `{path}`", "")
    yield " ".join((command.help or "").split("\n\n")[0].split())
    if not children or params:
        yield from ("", f"    {path} {words}".rstrip())
    if params:
        yield from ("", "| parameter | what it is | default |", "| --- | --- | --- |")
        for each in params:
            yield f"| {_spelling(each)} | {_help(each)} | {_default(each)} |"
    for name in sorted(children):
        yield from _describe(children[name], f"{path} {name}")


_EVERYWHERE = ("help", "install_completion", "show_completion")


def _is_option(param: Param) -> bool:
    return param.param_type_name == "option"


def _metavar(param: Param) -> str:
    if param.metavar:
        return param.metavar
    return (param.name or "").upper().replace("_", "-")


def _usage(param: Param) -> str:
    if not _is_option(param):
        return _metavar(param) if param.required else f"[{_metavar(param).strip('[]')}]"
    spelled = param.opts[0]
    if not getattr(param, "is_flag", False):
        spelled += f" {_metavar(param)}"
    return spelled if param.required else f"[{spelled}]"


def _spelling(param: Param) -> str:
    if not _is_option(param):
        return f"`{_metavar(param)}`"
    return " ".join(f"`{each}`" for each in (*param.opts, *param.secondary_opts))


def _help(param: Param) -> str:
    words = " ".join((getattr(param, "help", None) or "").split())
    variable = getattr(param, "envvar", None)
    if variable:
        words = f"{words} Or the variable `{variable}`.".strip()
    return words


def _default(param: Param) -> str:
    if param.required:
        return "needed"
    default = param.default
    if default is None or default == "" or callable(default) or param.name == "code":
        return ""
    if isinstance(default, bool):
        return "on" if default else "off"
    text = str(default)
    return "" if "UNSET" in text.upper() else f"`{text}`"


PAGES: Mapping[str, Callable[[], str]] = {
    "errors.md": errors,
    "verdicts.md": verdict_page,
    "commands.md": commands,
}


def main() -> int:
    """Write all pages, or with `--check` name those that are not as they would be written."""
    stale: list[str] = []
    for name, draw in PAGES.items():
        page, text = ROOT / "docs" / name, draw()
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            page.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"docs/{name}\n")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
