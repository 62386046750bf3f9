"""The project's pages as a reader sees them: code blocks, code in sentences, links, and commands to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGES = (
    *(PROJECT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
)

_FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_CODE_OF_TEMPLATE = re.compile(r"<code>(notify [^<{]+)</code>")
TEMPLATES = tuple(sorted((PROJECT / "console" / "web" / "templates").glob("*.html")))
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_PROMPT = "$ "
#: What ends a simple command of the shell.
_OPERATORS = frozenset({"|", "||", "&&", ";", "&", "<", ">"})
#: Stands for something that the reader fills in.
_PLACEHOLDER = "…"
_FILL_IN = re.compile(r"<[^<>]+>")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block.

    Attributes:
        page: Where it is.
        line: Of its first line.
        language: What its fence says; blank where it says nothing.
        text: Its lines.
    """

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Typed:
    """A command that a page shows.

    Attributes:
        where: Page and line.
        words: The program and its arguments.
        whole: Whether it can be typed as it stands; else it stands in a sentence, and may lack arguments.
    """

    where: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.where} {' '.join(self.words)}"

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return Path(self.words[0]).name


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The code blocks of a page in these languages; all where none is named."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if not languages or found["language"] in languages:
            line = text.count("\n", 0, found.start("text")) + 1
            yield Block(page, line, found["language"], found["text"])


def prose(page: Path) -> str:
    """A page without its code blocks, line for line."""
    text = page.read_text(encoding="utf-8")
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)


def code_in_sentences(page: Path) -> Iterator[tuple[str, str]]:
    """Each piece of code in a page's prose, after where it is."""
    for number, line in enumerate(prose(page).splitlines(), start=1):
        for found in _CODE.finditer(line):
            yield f"{page.relative_to(PROJECT)}:{number}", found[1]


def typed(page: Path) -> Iterator[Typed]:
    """Every command of a page: in its shell blocks, after the prompt of a session, and in its sentences."""
    for block in blocks(page, "sh", "console"):
        lines = block.text.replace("\\\n", " ").splitlines()
        if block.language == "console":
            lines = [line.removeprefix(_PROMPT) for line in lines if line.startswith(_PROMPT)]
        for line in lines:
            for words in simple_commands(line):
                yield Typed(str(block), words, whole=True)
    for where, code in code_in_sentences(page):
        if code.split()[0].rpartition("/")[2] in {"notify", "make"} or _ASSIGNMENT.match(code):
            for words in simple_commands(code):
                yield Typed(where, words, whole=False)


def typed_in_template(template: Path) -> Iterator[Typed]:
    """The commands that a page of the console tells its reader to type."""
    text = template.read_text(encoding="utf-8")
    for found in _CODE_OF_TEMPLATE.finditer(text):
        where = f"{template.relative_to(PROJECT)}:{text.count(chr(10), 0, found.start()) + 1}"
        yield Typed(where, tuple(shlex.split(found[1])), whole=False)


def simple_commands(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of one line of shell, without assignments before them and placeholders in them."""
    lexer = shlex.shlex(_FILL_IN.sub("anything", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in (*lexer, ";"):
        if word in _OPERATORS:
            if words:
                yield tuple(words)
            words = []
        elif word != _PLACEHOLDER and (words or not _ASSIGNMENT.match(word)):
            words.append(word)


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links."""
    for found in _LINK.finditer(prose(page)):
        yield found[1]


def anchors(page: Path) -> set[str]:
    """What a link may name after `#` on a page, as GitHub makes it of the headings."""
    headings = _HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
