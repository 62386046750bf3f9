from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.addresses import (
    InvalidAddress,
    identity,
    merged,
    needs_smtputf8,
    parse_address,
    split_addresses,
)
from tests.rigs.notifications import LINE_ENDERS

_parts = st.sampled_from(["a", "A9", "-", "_", "+", "é", "ü-b", "x" * 63])
_noise = st.sampled_from(["", "", "", ".", " ", ";", "@", "<", "\n"])
_dotted = st.lists(st.tuples(_parts, _noise).map("".join), min_size=1, max_size=3).map(".".join)
near_addresses = st.tuples(_dotted, _dotted).map("@".join)


@pytest.mark.parametrize(
    "written, kept",
    [
        ("ops@example.com", "ops@example.com"),
        ("  Ops.Team+x@Example.COM ", "Ops.Team+x@Example.COM"),
        ("ops@host", "ops@host"),
        ("ops@corp.local", "ops@corp.local"),
        ("ops@x.test", "ops@x.test"),
        ("4915112345@sms.example", "4915112345@sms.example"),
        ("o'hara!#$%&'*+/=?^`{|}~@host", "o'hara!#$%&'*+/=?^`{|}~@host"),
        ("ops@bücher.local", "ops@xn--bcher-kva.local"),
        ("ops@Bücher.de", "ops@xn--bcher-kva.de"),
        ("ops@例え。テスト", "ops@xn--r8jz45g.xn--zckzah"),
        ("jürgen@example.com", "jürgen@example.com"),
        ("ju\u0308rgen@example.com", "jürgen@example.com"),
        (f"{'a' * 242}@example.com", f"{'a' * 242}@example.com"),
    ],
)
def test_an_address_is_kept_as_it_goes_on_the_wire(written: str, kept: str) -> None:
    assert parse_address(written) == kept


@pytest.mark.parametrize(
    "written, fault",
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("ops", "has no domain"),
        ("ops@", "has no domain"),
        ("@example.com", "is not a mail address"),
        ("a@b@c", "is not a mail address"),
        ("a b@c", "is not a mail address"),
        (".a@c", "is not a mail address"),
        ("a@b..c", "is not a mail address"),
        ("a@-b", "is not a mail address"),
        ("a@b_c", "is not a mail address"),
        ('"a b"@c', "is not a mail address"),
        ("a@[192.0.2.1]", "is not a mail address"),
        ("a@b;c@d", "is not a mail address"),
        ("a@b.", "is not a mail address"),
        ("Ops <a@b>", "has a display name or angle brackets"),
        ("a@b\n", "has a control character"),
        ("a@b\x85", "has a control character"),
        ("a\ud800@b", "is not valid Unicode"),
        (f"{'a' * 243}@example.com", "is longer than 254 bytes"),
        (f"{'é' * 122}@example.com", "is longer than 254 bytes"),
        (f"a@{'b' * 64}", "is not a mail address"),
    ],
)
def test_what_is_no_address_is_refused_by_rule(written: str, fault: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse_address(written)
    assert str(caught.value) == fault
    assert caught.value.__context__ is None


@given(near_addresses)
def test_we_accept_what_the_package_accepts(written: str) -> None:
    try:
        expected = validate_email(f"{written}.net", check_deliverability=False)
    except EmailNotValidError:
        return
    found = parse_address(written)
    assert found.lower() == f"{expected.local_part}@{expected.ascii_domain.removesuffix('.net')}".lower()


@given(near_addresses)
def test_what_we_accept_the_package_accepts(written: str) -> None:
    try:
        found = parse_address(written)
    except InvalidAddress:
        return
    assume("--" not in found)  # host names such as r3--a.example exist, though no registry sells them
    validate_email(f"{found}.net", check_deliverability=False)


@given(st.text(max_size=30), st.sampled_from(LINE_ENDERS), st.text(max_size=30))
def test_no_address_holds_what_could_end_a_header(before: str, ender: str, after: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_address(f"a{before}{ender}{after}@b")


@given(st.lists(st.sampled_from(["a@b", "A@b", "a@B", "c@d", "C@D", "c@D"])))
def test_merging_keeps_the_first_of_each_mailbox_in_order(given_addresses: list[str]) -> None:
    result = merged(given_addresses)
    names = [identity(address) for address in given_addresses]
    assert list(result) == [given_addresses[names.index(name)] for name in dict.fromkeys(names)]


def test_lists_are_split_at_their_separators_and_blank_parts_dropped() -> None:
    assert split_addresses("a@b; c@d;; ", ";") == ["a@b", " c@d"]
    assert split_addresses("a@b,c@d;e@f", ";,") == ["a@b", "c@d", "e@f"]
    assert split_addresses("a@b,c@d", ";") == ["a@b,c@d"]


def test_only_a_mailbox_in_another_script_needs_smtputf8() -> None:
    assert needs_smtputf8(["a@b", parse_address("jürgen@b")])
    assert not needs_smtputf8([parse_address("a@bücher.de")])
