"""What can be wrong with a configuration, drawn once.

ConfigError
├── ConfigUnreadable     E-CFG-01  the file is absent or may not be read
├── ConfigSyntax         E-CFG-02  it is not TOML in UTF-8
├── UnknownSetting       E-CFG-03  a name that we do not know; the nearest one that we do
├── WrongValue           E-CFG-04  a value of the wrong type, or outside its bounds
├── MissingSetting       E-CFG-05  a setting without a default was left out
├── MissingSecret        E-CFG-06  neither a credential nor the environment holds it
├── InsecureListener     E-CFG-07  reachable from outside this box, and not encrypted
├── Contradiction        E-CFG-08  two settings that cannot both hold
├── ExposedSimulation    E-CFG-09  virtual devices on a box that others can reach
└── ManyConfigErrors     E-CFG-10  several of the above, all at once

None is transient: each needs an edit by a person, and the process ends.
"""

from collections.abc import Sequence
from typing import ClassVar


class ConfigError(Exception):
    """The configuration cannot be used; nothing was started.

    key: the setting as `section.name`, entries of lists counted from 1 (`printer[2].width_mm`);
        empty when the whole file is meant.
    """

    code: ClassVar[str] = "E-CFG-00"
    transient: ClassVar[bool] = False
    hint: ClassVar[str] = "Edit the configuration, then run: storeedge config check FILE"

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key


class ConfigUnreadable(ConfigError):
    """The file is absent or may not be read."""

    code = "E-CFG-01"
    hint = "Check the path, and that the daemon's user may read the file."


class ConfigSyntax(ConfigError):
    """The file is not TOML in UTF-8."""

    code = "E-CFG-02"
    hint = "Look at the line named; texts need quotes, sections need [brackets]."


class UnknownSetting(ConfigError):
    """A name that we do not know. `nearest` is the valid one that looks most like it, or None."""

    code = "E-CFG-03"
    hint = "Correct the name or delete the line; a misspelt setting is never ignored."

    def __init__(self, *, key: str, nearest: str | None) -> None:
        advice = f"; did you mean {nearest}?" if nearest else ""
        super().__init__(f"unknown setting{advice}", key=key)
        self.nearest = nearest


class WrongValue(ConfigError):
    """A value of the wrong type, or outside its bounds."""

    code = "E-CFG-04"
    hint = (
        "Give the setting the kind of value that the message asks for: a text in quotes, a number "
        "or true and false without. Then run: storeedge config check FILE"
    )


class MissingSetting(ConfigError):
    """A setting without a default was left out."""

    code = "E-CFG-05"
    hint = "Add the setting to its section."


class MissingSecret(ConfigError):
    """A secret is named, and neither a credential nor the environment holds it."""

    code = "E-CFG-06"
    hint = "Put the secret into /etc/storeedge/credentials under its name and restart."


class InsecureListener(ConfigError):
    """A listener that others can reach, without TLS."""

    code = "E-CFG-07"
    hint = "Listen on 127.0.0.1, or give web.tls_cert and web.tls_key."


class Contradiction(ConfigError):
    """Two settings that cannot both hold."""

    code = "E-CFG-08"
    hint = "Change one of the two settings that the message names."


class ExposedSimulation(ConfigError):
    """A `sim:` address on a box whose listener others can reach."""

    code = "E-CFG-09"
    hint = "Virtual devices need web.listen on 127.0.0.1; a real store has none."


class ManyConfigErrors(ConfigError):
    """Several errors at once, so that one edit can mend them all; `errors` is never empty."""

    code = "E-CFG-10"
    hint = "Mend each of the errors listed."

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = tuple(errors)
