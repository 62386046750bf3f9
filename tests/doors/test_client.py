"""Anything given to the one-file client: handed over as JSON that any broker takes, or refused in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from clients import notify_client
from tests.rigs.examples import examples
from tests.rigs.notifications import emails, texts
from tests.rigs.odd_values import json_values, odd_texts

SECRET = "Zq7Secret"
ODD = [
    b"x",
    {1, 2},
    object(),
    (),
    [("f.txt", b"x")],
    [("f", "x")],
    [(1, 2, 3)],
    datetime.max.replace(tzinfo=UTC),
]
FIELDS = ["subject", "html", "cc", "attachments", "expires", "priority", "id", "key", "context", "strict"]
ARGUMENTS = {"version", "channel", "to", "message", "app", "wait_seconds"}
given_values: st.SearchStrategy[Any] = json_values | st.sampled_from(ODD)
channels = st.sampled_from(["email", "text"]) | given_values
more_fields = st.dictionaries(
    st.sampled_from(FIELDS) | odd_texts.filter(lambda name: name not in ARGUMENTS), given_values, max_size=4
)


@pytest.fixture
def app() -> Celery:
    """Whose broker is this process."""
    return Celery("other", broker="memory://", set_as_current=False)


def handed_over(app: Celery, channel: Any, to: Any, message: Any, more: dict[str, Any]) -> bool:
    try:
        sent = notify_client.send(channel, to, message, app=app, **more)
    except notify_client.InvalidNotification as caught:
        refusal = str(caught)
    else:
        assert sent.id
        return True
    assert SECRET not in refusal
    assert refusal
    return False


@examples(60)
@given(channel=channels, to=given_values, message=given_values, more=more_fields)
def test_what_makes_no_sense_is_refused_and_never_a_fault_of_ours(
    app: Celery, channel: Any, to: Any, message: Any, more: dict[str, Any]
) -> None:
    handed_over(app, channel, to, message, more)
    handed_over(app, "email", ["a@b"], SECRET, more)


@examples(30)
@given(document=emails | texts)
def test_what_the_notifier_accepts_the_client_hands_over(app: Celery, document: dict[str, Any]) -> None:
    more = {name: value for name, value in document.items() if name not in ARGUMENTS}
    assert handed_over(app, document["channel"], document["to"], document["message"], more)
