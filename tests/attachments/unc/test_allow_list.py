from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.errors import InvalidValue
from settings_store.own_options.unc import OPTIONS
from tasks.attachments.unc.allow_list import AllowList

OPTION = next(option for option in OPTIONS if option.key == "unc.allowed_hosts")


def allowed(text: str) -> AllowList:
    return AllowList.of(str(OPTION.parse(text)))


@pytest.mark.parametrize(
    "listed, host, share, is_allowed",
    [
        ("", "files", "reports", False),
        ("files", "files", "reports", True),
        ("FILES", "files", "Reports", True),
        ("files", "files.corp.example", "reports", False),
        ("files.corp.example", "files", "reports", False),
        ("files", "files2", "reports", False),
        ("*.corp.example", "files.corp.example", "reports", True),
        ("*.corp.example", "a.b.corp.example", "reports", True),
        ("*.corp.example", "corp.example", "reports", False),
        ("*.corp.example", "evilcorp.example", "reports", False),
        ("*.corp.example", "corp.example.evil", "reports", False),
        ("files", "files", "c$", False),
        ("*.corp.example", "files.corp.example", "ADMIN$", False),
        (r"\\files\c$", "files", "C$", True),
        (r"\\files\c$", "files", "reports", False),
        (r"\\files\reports, \\files\logs", "files", "logs", True),
        (r"//files/reports/", "files", "reports", True),
        (r"\\files\reports", "files", "reports2", False),
        (r"\\*.corp.example\d$", "files.corp.example", "d$", True),
        (r"\\*.corp.example\d$", "files.corp.example", "e$", False),
        ("10.0.0.1", "10.0.0.1", "reports", True),
        ("10.0.0.1", "10.0.0.10", "reports", False),
    ],
)
def test_a_share_is_gone_to_only_where_the_list_names_it(
    listed: str, host: str, share: str, *, is_allowed: bool
) -> None:
    assert (allowed(listed).refusal(host, share) == "") is is_allowed


def test_the_refusal_names_the_command_that_allows_the_host_or_the_share() -> None:
    assert allowed("").refusal("files", "r") == (
        "the host files is not allowed; this allows it: notify share allow files --reason TEXT"
    )
    assert allowed("files").refusal("files", "c$") == (
        r"the share \\files\c$ is not allowed; this allows it: notify share allow '\\files\c$' --reason TEXT"
    )


@pytest.mark.parametrize(
    "typed, stored",
    [
        ("", ""),
        (" , ;; ", ""),
        ("B; a,\nA", "b, a"),
        (r"//Files/Job Reports, *.Corp.Example", r"\\files\job reports, *.corp.example"),
    ],
)
def test_a_list_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert OPTION.parse(typed) == stored
    assert OPTION.parse(stored) == stored


@pytest.mark.parametrize(
    "typed, fault",
    [
        ("*", "has no host in entry 1"),
        ("files, *.", "has no host in entry 2"),
        ("fi*les", "has no host in entry 1"),
        ("*.0.0.1", "has a star before an address in entry 1"),
        ("files:445", "has no host in entry 1"),
        ("user@files", "has no host in entry 1"),
        (r"\\files", "names no share in entry 1"),
        (r"\\files\share\folder", "names no share in entry 1"),
        (r"\\files\*", "names no share in entry 1"),
        (r"C:\x", "has no host in entry 1"),
        ("files\x00", "has a control character at position 6"),
        ("a" * 4001, "has 4001 characters"),
    ],
)
def test_what_is_no_list_of_hosts_is_refused_by_its_place(typed: str, fault: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        OPTION.parse(typed)
    assert str(caught.value).startswith(f"unc.allowed_hosts: {fault}; allowed: hosts, `*.domain`")


@given(st.text(alphabet="ab.*\\/ ,$-_1", max_size=40), st.sampled_from(["a", "b.a", "1.1", "ab"]), st.text())
def test_no_list_allows_a_host_that_it_does_not_spell(typed: str, host: str, share: str) -> None:
    try:
        listed = allowed(typed)
    except InvalidValue:
        return
    if not listed.refusal(host, share):
        assert host in typed or f"*.{host.partition('.')[2]}" in typed
