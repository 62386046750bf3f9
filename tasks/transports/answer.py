"""A reply in its phase, with the questions that a judgement asks of it."""

from __future__ import annotations

from tasks.transports.phase import Phase
from tasks.transports.reply import Reply


class Answer:
    """What a server said, and to which step.

    Attributes:
        phase: The step that was answered.
        code: Three digits.
        text: The words.
        status: Subject and detail of the enhanced status code; None without one. Its class is left out: it
            repeats the first digit of the code, or is wrong.
        agrees: 2xx.
        passing: 4xx, worth another try.
        lasting: 5xx, the same again next time.
    """

    def __init__(self, phase: Phase, reply: Reply) -> None:
        self.phase = phase
        self.code = reply.code
        self.text = reply.text
        self.status = (reply.enhanced.subject, reply.enhanced.detail) if reply.enhanced else None
        # RFC 5321 4.2.1 gives the first digit its meaning.
        first_digit = reply.code // 100
        self.agrees = first_digit == 2  # noqa: PLR2004  # see above
        self.passing = first_digit == 4  # noqa: PLR2004  # see above
        self.lasting = first_digit == 5  # noqa: PLR2004  # see above

    def is_about(self, subject: int) -> bool:
        """Whether the enhanced status code has this subject (RFC 3463 3: 2 = mailbox, 7 = policy)."""
        return self.status is not None and self.status[0] == subject
