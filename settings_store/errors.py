"""What can go wrong with settings, as one tree.

    SettingsError
    ├── InvalidOption (ValueError)   a change was refused whole; `faults` has one entry for each cause
    │   ├── UnknownOption            no option has that name
    │   ├── InvalidValue             the value is not allowed there
    │   └── InvalidChange            several of the two above
    ├── UnreadableOptions (ValueError)   a file of options has none of the forms that are read
    ├── StaleRevision                somebody else saved in between
    ├── UnknownRevision              the history does not reach back (or forward) to it
    ├── DamagedSettings              Redis holds something that was not written by us
    ├── AccessFault                  accounts, roles, tokens and sign-ins: see `settings_store.access.errors`
    └── SecretFault                  a secret can be neither saved nor opened here
        ├── KeyringUnusable          the key ring file is missing, malformed, or open to others
        ├── NoKeyring                there is no key ring in this process
        ├── MissingKey               the value was sealed with a key that is not in the key ring
        ├── BrokenSeal               the key does not open the value: wrong key, moved, or altered
        └── UnknownSeal              what is stored is no sealed value of a version we know

No message of these holds a value: it may be a secret, or one typed into the wrong field.
Every one of them survives pickling, so a pool process can hand it on.
"""

from __future__ import annotations

from collections.abc import Iterable


class SettingsError(Exception):
    """Base of everything this room raises about options and secrets."""


class InvalidOption(SettingsError, ValueError):
    """Nothing was saved, because a name or a value is not allowed."""

    @property
    def faults(self) -> tuple[InvalidOption, ...]:
        """Each cause by itself, for a form that shows it beside its field."""
        return (self,)


class UnknownOption(InvalidOption):
    """No option has that name.

    Attributes:
        key: The name that was asked for.
        proposals: The nearest names there are, best first.
    """

    def __init__(self, key: str, proposals: tuple[str, ...] = ()) -> None:
        super().__init__(key, proposals)
        self.key = key
        self.proposals = proposals

    def __str__(self) -> str:
        known = f"did you mean {' or '.join(self.proposals)}?" if self.proposals else "nothing like it exists"
        return f"{self.key}: there is no such option; {known}"


class InvalidValue(InvalidOption):
    """A value is not allowed for its option.

    Attributes:
        key: The option.
        fault: What is wrong, without the value.
        allowed: What the option takes.
    """

    def __init__(self, key: str, fault: str, allowed: str) -> None:
        super().__init__(key, fault, allowed)
        self.key = key
        self.fault = fault
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.key}: {self.fault}; allowed: {self.allowed}"


class InvalidChange(InvalidOption):
    """Several names or values of one change are not allowed; all of them are told at once."""

    def __init__(self, faults: Iterable[InvalidOption]) -> None:
        self._faults = tuple(faults)
        super().__init__(self._faults)

    @property
    def faults(self) -> tuple[InvalidOption, ...]:
        """Each cause by itself."""
        return self._faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self._faults)


class UnreadableOptions(SettingsError, ValueError):
    """A file of options cannot be read; nothing was saved.

    Attributes:
        fault: What is wrong and where, without a value.
        allowed: What can be read.
    """

    def __init__(self, fault: str, allowed: str) -> None:
        super().__init__(fault, allowed)
        self.fault = fault
        self.allowed = allowed

    def __str__(self) -> str:
        return f"the file of options: {self.fault}; allowed: {self.allowed}"


class StaleRevision(SettingsError):
    """Somebody saved after the revision this change was made from; nothing was saved now.

    Attributes:
        expected: The revision that the change was made from.
        actual: The revision that holds.
        between: A line for each revision saved in between: who, when, and which options; newest first.
    """

    def __init__(self, expected: int, actual: int, between: tuple[str, ...] = ()) -> None:
        super().__init__(expected, actual, between)
        self.expected = expected
        self.actual = actual
        self.between = between

    def __str__(self) -> str:
        told = "".join(f"\n  {line}" for line in self.between)
        return (
            f"nothing was saved: this change was made from revision {self.expected}, "
            f"but the settings are at revision {self.actual}; look at them again, then repeat it{told}"
        )


class UnknownRevision(SettingsError):
    """The history does not hold what is needed to know the options at a revision."""

    def __init__(self, revision: int, newest: int) -> None:
        super().__init__(revision, newest)
        self.revision = revision
        self.newest = newest

    def __str__(self) -> str:
        return f"revision {self.revision}: the history does not reach it; the settings are at {self.newest}"


class DamagedSettings(SettingsError):
    """What lies in Redis under our name was not written by us, or by a version that stored it otherwise."""


class SecretFault(SettingsError):
    """A secret can be neither saved nor opened by this process; the message names option and key id."""


class KeyringUnusable(SecretFault):
    """A key ring file is missing, malformed, or readable by others; the message names the file."""


class NoKeyring(SecretFault):
    """This process has no key ring, so it can neither seal nor open."""

    def __init__(self, option: str) -> None:
        super().__init__(option)
        self.option = option

    def __str__(self) -> str:
        return (
            f"{self.option}: a secret can be saved or opened only with a key ring, and there is none here; "
            "make one with `notify keys generate FILE` and name the file in NOTIFY_KEY_FILE"
        )


class MissingKey(SecretFault):
    """A value was sealed with a key that the key ring does not hold."""

    def __init__(self, option: str, key_id: str) -> None:
        super().__init__(option, key_id)
        self.option = option
        self.key_id = key_id

    def __str__(self) -> str:
        return (
            f"{self.option}: sealed with the key {self.key_id}, which is not in the key ring; "
            "add the key file that holds it to NOTIFY_KEY_FILE, or set the secret anew"
        )


class BrokenSeal(SecretFault):
    """The named key does not open the value."""

    def __init__(self, option: str, key_id: str) -> None:
        super().__init__(option, key_id)
        self.option = option
        self.key_id = key_id

    def __str__(self) -> str:
        return (
            f"{self.option}: the key {self.key_id} does not open this value: another key bears that id, "
            "or the value was sealed for another option or installation, or it was altered; set it anew"
        )


class UnknownSeal(SecretFault):
    """What is stored for a secret is not a sealed value of a version we know."""

    def __init__(self, option: str) -> None:
        super().__init__(option)
        self.option = option

    def __str__(self) -> str:
        return f"{self.option}: what is stored is not a sealed value of a known version; set the secret anew"
