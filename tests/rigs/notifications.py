"""Documents as publishers might write them, for tests that try many."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

LINE_ENDERS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]))

any_text = st.text(max_size=120)
header_text = st.text(st.characters(exclude_characters=LINE_ENDERS, exclude_categories=["Cs"]), max_size=120)
long_words = st.text("abcdefghij=_?", min_size=900, max_size=1_200)

plain_addresses = st.from_regex(
    r"\A[a-z0-9+_]{1,12}(\.[a-z0-9]{1,5})?@[a-z0-9]{1,9}(\.(com|local|Example))?\Z"
)
addresses = plain_addresses | st.sampled_from(
    ["jürgen@example.com", "ops@bücher.example", "δοκιμή@παράδειγμα.example", "o'hara!#$%&'*+/=?^`{|}~@host"]
)
address_lists = st.lists(addresses, min_size=1, max_size=5)

contexts: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: any_text | st.none()
            for name in ("schedule_date", "schedule", "job", "machine", "trigger", "status")
        },
        "job_number": st.none() | st.integers(1, 10**9) | any_text,
    },
)
properties = st.dictionaries(st.text(min_size=1, max_size=8), any_text, max_size=3)
tokens = st.sampled_from(
    ["[[$JOB NAME]]", "[[ $notifyid ]]", "[[p]]", "[[nothing]]", "[[", "[[[job]]]", "\\n"]
)
bodies = st.lists(any_text | tokens | long_words, max_size=4).map("".join)
subjects = st.lists(header_text | tokens | st.sampled_from(["=?utf-8?q?x?=", "  "]), max_size=4).map("".join)
file_names = header_text.map(
    lambda text: text.replace("/", "-").replace("\\", "-")[:255] if text.strip(" .") else "f.txt"
)
files = st.fixed_dictionaries(
    {
        "name": file_names,
        "content_base64": st.binary(max_size=300).map(lambda content: base64.b64encode(content).decode()),
    }
)
_times = st.sampled_from([None, "2026-11-23T10:00:00Z", "2026-11-23T10:00:00+05:30"])
_common = {
    "id": st.none() | st.from_regex(r"\A[A-Za-z0-9_-]{1,20}(\.[A-Za-z0-9_-]{1,10})?\Z"),
    "key": st.none() | st.text("abc :/-é", min_size=1, max_size=20),
    "long_text": st.sampled_from(["cut", "refuse"]),
    "strict": st.booleans(),
    "priority": st.sampled_from(["high", "normal", "low"]),
    "not_before": _times,
    "expires": st.none() | st.just("2027-01-01T00:00:00-01:00"),
    "context": contexts,
    "properties": properties,
    "exclude_prefix": st.booleans(),
    "reply_to": address_lists,
}

emails: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"version": st.just(1), "channel": st.just("email"), "to": address_lists, "message": bodies},
    optional={
        **_common,
        "cc": address_lists,
        "bcc": address_lists | address_lists.map(";".join),
        "subject": subjects,
        "html": st.none() | bodies | bodies.map(lambda body: f"<html><BODY class='x'>{body}</body></html>"),
        "attachments": st.lists(files | st.just({"path": r"\\srv\share\f.log"}), max_size=3),
        "escalate_text_to": address_lists | address_lists.map(",".join),
    },
)
texts: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "channel": st.just("text"),
        "to": address_lists | address_lists.map(", ".join),
        "message": bodies.map(lambda body: f"x{body}"),
    },
    optional=_common,
)


def email(**fields: object) -> Mapping[str, object]:
    """The least e-mail, with these fields changed."""
    return {"version": 1, "channel": "email", "to": ["ops@example.com"], "message": "Job failed", **fields}


def text(**fields: object) -> Mapping[str, object]:
    """The least text, with these fields changed."""
    return {
        "version": 1,
        "channel": "text",
        "to": ["4915112345@sms.example"],
        "message": "Job failed",
        **fields,
    }
