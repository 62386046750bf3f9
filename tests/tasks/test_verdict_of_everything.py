from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.transports.outcome import Kind, Outcome
from tasks.transports.phase import Phase
from tasks.transports.reply import Reply, read_reply
from tasks.verdict import Verdict, judge

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "5.7.1 relay access denied",
            "4.7.500 busy",
            "5.2.2 full quota",
            "4.5.3 too many recipients",
            "retry after 10",
            "SendAsDenied",
            "2.0.0 ok",
        ]
    ),
    st.builds(
        "{}.{}.{} {}".format,
        st.sampled_from([2, 4, 5]),
        st.integers(0, 9),
        st.integers(0, 999),
        st.text(max_size=9),
    ),
)
OUTCOMES = st.builds(
    lambda phase, kind, code, text, reused, accepted: Outcome(
        phase,
        kind,
        read_reply(code, [text.encode("utf-8", "replace")]),
        reused=reused,
        accepted_before=accepted,
    ),
    st.sampled_from(Phase),
    st.sampled_from([Kind.REPLY, Kind.REPLY, *Kind]),
    st.integers(200, 599),
    TEXTS,
    st.booleans(),
    st.integers(0, 3),
)


@given(OUTCOMES)
def test_every_outcome_has_one_judgement_with_a_reason(outcome: Outcome) -> None:
    judgement = judge(outcome)
    assert judgement.reason
    assert judgement == judge(outcome)
    assert judgement.retry_after_seconds is None or 0 <= judgement.retry_after_seconds <= 86_400


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("reused", [False, True])
def test_every_code_in_every_phase_has_a_judgement(phase: Phase, *, reused: bool) -> None:
    for code in range(200, 600):
        verdict = judge(Outcome(phase, reply=Reply(code), reused=reused)).verdict
        assert not (code < 500 and verdict.refuses)
        assert (verdict is Verdict.DELIVERED) == (phase is Phase.FINAL and code < 300)


@given(OUTCOMES)
def test_no_4xx_reply_is_ever_final(outcome: Outcome) -> None:
    reply = outcome.reply
    if outcome.kind is Kind.REPLY and reply is not None and 400 <= reply.code < 500:
        verdict = judge(outcome).verdict
        assert not verdict.refuses
        assert verdict is not Verdict.DELIVERED


@given(OUTCOMES)
def test_only_a_yes_to_the_dot_is_delivered(outcome: Outcome) -> None:
    delivered = judge(outcome).verdict is Verdict.DELIVERED
    said_yes = outcome.kind is Kind.REPLY and outcome.reply is not None and outcome.reply.code < 300
    assert delivered == (said_yes and outcome.phase is Phase.FINAL)


@given(OUTCOMES)
def test_a_message_is_uncertain_only_after_the_end_of_its_text(outcome: Outcome) -> None:
    assert judge(outcome).verdict is not Verdict.UNCERTAIN or outcome.phase is Phase.FINAL


@given(OUTCOMES)
def test_a_fresh_connection_is_never_stale(outcome: Outcome) -> None:
    assert judge(outcome).verdict is not Verdict.STALE_CONNECTION or outcome.reused


@pytest.mark.parametrize("phase", list(Phase))
def test_a_reason_quotes_neither_addresses_nor_the_reply(phase: Phase) -> None:
    for code in range(200, 600):
        reply = read_reply(code, [b"5.7.1 <secret@corp.test> Relay access denied, retry after 10 s"])
        reason = judge(Outcome(phase, reply=reply)).reason
        assert "@" not in reason
        assert "secret" not in reason
