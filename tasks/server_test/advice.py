"""What to do about a failed stage, and about one that went well and will not for long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tasks.server import OAuth, Server, Tls
from tasks.server_test.advice_table import TABLE, Row
from tasks.server_test.certificate import SOON_DAYS
from tasks.transports.outcome import Outcome
from tasks.verdict import judge

_BYTES_A_MEGABYTE: Final = 1_048_576


def advice(outcome: Outcome, server: Server) -> str:
    """What to do about a failure; never blank."""
    return next(
        row.say.format(name=server.name, host=server.host, port=server.port)
        for row in (*TABLE, Row("look at the server's words, and at its log"))
        if _fits(row, outcome, server)
    )


def _fits(row: Row, outcome: Outcome, server: Server) -> bool:
    judgement, reply = judge(outcome), outcome.reply
    enhanced = reply.enhanced if reply else None
    status = f"{enhanced.subject}.{enhanced.detail}" if enhanced else ""
    return (
        (not row.phases or outcome.phase in row.phases)
        and (not row.kinds or outcome.kind in row.kinds)
        and (not row.status or status in row.status)
        and (not row.codes or (reply is not None and reply.code in row.codes))
        and row.words in judgement.reason
        and row.verdict in {None, judgement.verdict}
        and row.tls in {None, server.tls}
        and (not row.ports or server.port in row.ports)
        and row.oauth in {None, isinstance(server.sign_in, OAuth)}
    )


def foresight(facts: Mapping[str, Any], server: Server) -> list[str]:
    """What went well and will not for long, or goes less well than it could.

    Args:
        facts: Of a stage, as in its report.
        server: Which was tested.
    """
    said = []
    days = facts.get("days_left")
    if isinstance(days, int) and days < SOON_DAYS:
        said.append(
            f"the certificate ends in {days} days: have it renewed before; nothing is sent after that"
        )
    offers = facts.get("offers")
    if isinstance(offers, list):
        said += _about_offers(frozenset(map(str, offers)), facts.get("largest_bytes"), server)
    return said


def _about_offers(offers: frozenset[str], largest: Any, server: Server) -> list[str]:
    said = []
    if server.tls is Tls.NONE and "STARTTLS" in offers:
        said.append(f"the server offers STARTTLS, which is not used: {server.name}.enable_ssl=True uses it")
    if server.tls is Tls.NONE and server.sign_in is not None:
        said.append("user and password cross the network unencrypted")
    wanted = server.total_attachment_mb * _BYTES_A_MEGABYTE
    if isinstance(largest, int) and 0 < largest < wanted:
        said.append(
            f"the server takes {largest / _BYTES_A_MEGABYTE:.0f} MB at most: "
            f"lower {server.name}.total_attachment_size_mb (now {server.total_attachment_mb})"
        )
    return said
