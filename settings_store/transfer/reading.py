"""What was found in a file of options: values to save, and what is to be told about the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from settings_store.catalog import ALL_OPTIONS
from settings_store.kinds import Secret

#: unknown: no option of ours; secret: cannot be taken over; range: outside of what is allowed here;
#: blank: has no value in the file; check: taken, and worth a look.
Topic = Literal["unknown", "secret", "range", "blank", "check"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader of a file is told; it never holds a value.

    Attributes:
        name: The option, or the name in the file where it is none of ours.
        topic: What it is about.
        text: The sentence.
    """

    name: str
    topic: Topic
    text: str


@dataclass(slots=True)
class Reading:
    """A file of options, read.

    Attributes:
        source: What kind of file it is: our own export, or names and values.
        values: By option, as the file has them: still to be checked by the change that saves them.
        notes: What is told about it.
    """

    source: Literal["export", "pairs"]
    values: dict[str, object] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    @property
    def means_nothing(self) -> bool:
        """Whether it names no option at all: then its names may be anything, and are better not repeated."""
        return not self.values and all(note.topic == "unknown" for note in self.notes)


def enter_anew(key: str) -> str:
    """How a secret is given to its option by hand."""
    kind = ALL_OPTIONS[key].kind
    if isinstance(kind, Secret) and kind.encrypted_only:
        return f"enter it anew: `notify encrypt`, then `notify options set {key}=enc:… --reason TEXT`"
    return f"enter it anew: `notify options set {key}=- --reason TEXT`"
