"""What careless or hostile people type where something else is expected."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

#: One for each thing that goes wrong somewhere: nothing, controls, half characters, other scripts' digits,
#: numbers beyond every type, times that no calendar has, the syntax of shells, headers, URLs and templates.
ODD_TEXTS: Final = (
    "", " ", "\t", "\0", "a\0b", "\r\n", "a\r\nBcc: eve@evil.example", "a\nb", "\x1b[31m", "\x85", "\u2028",
    "\ud800", "a\udcffb", "\u202eevil", "\ufeff", "\U0001f4a5", "e\u0301", "日本語", "ﬀ",
    "-1", "0", "1", "²", "٣", "1.5", "1e999", "nan", "-inf", "0x10", "9" * 30, "9" * 5_000, "1_000", "+1",
    "true", "True", "null", "None", "[]", "{}", "{", '"', "'", "\\", "[" * 600,
    "2h", "-2h", "999999999999d", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59",
    "=", "a=b", "=b", "a=", "-", "--", "--json", "@", "@/nonexistent/file", "@.", "%s%n", "{0}", "$(id)",
    "`id`",
    ".", "..", "/", "../../etc/passwd", "/nonexistent/x", "\\\\srv\\share\\f.log", "C:\\f", "*", "?", ";",
    ",",
    "a@b", "a@b;c@d", "@b", "a@", '"a b"@example.com', "a@[192.0.2.1]", "a@exa mple.com", "<a@b>",
    "a" * 320 + "@b",
    "a@" + "b" * 320, "jürgen@bücher.example", "a@b\u3002c", "a@xn--a", "a@-b", "a@b..c", ".a@b", "a..b@c",
    "http://[", "https://user:pw@host:99999/", "file:///etc/passwd", "host:25", "[::1]:25", "::1", "1:2:3",
    "[[", "]]", "[[$JOB NAME]]", "[[[[job]]]]", "[[" + "x" * 500 + "]]", "[[$NOTIFYID]]" * 50,
    "=?utf-8?q?x?=",
    "enc:v1:k:AAAA", "enc:v1:", "x" * 5_000, "high", "email", "primary_email", "primary_email.server_name",
    "primary_email.server_port=587", "ID=1", "ID=",
)  # fmt: skip

odd_texts: st.SearchStrategy[str] = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
#: What a process can be started with and have in its environment: no NUL, and bytes that are no UTF-8.
typed_words: st.SearchStrategy[str] = odd_texts.map(
    lambda text: text.replace("\0", "").encode("utf-8", "replace").decode()
) | st.sampled_from(["\udcff", "a\udc80b"])

json_leaves: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 1, 2**31, 2**63, -(2**63) - 1, 2**64, 10**400])
    | st.sampled_from([0.5, -0.0, 1e308, float("inf"), float("nan")])
    | odd_texts
)
json_values: st.SearchStrategy[Any] = st.recursive(
    json_leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd_texts, inner, max_size=4),
    max_leaves=8,
)
