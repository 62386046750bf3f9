"""What each kind takes, and in which form it keeps it."""

from __future__ import annotations

import pickle
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.catalog import ALL_OPTIONS, find
from settings_store.errors import InvalidChange, InvalidOption, InvalidValue, StaleRevision, UnknownOption
from settings_store.kinds import MASK, Domain, Refused

PORT = "primary_email.server_port"
SSL = "primary_email.enable_ssl"
TENANT = "primary_email.tenant_id"
ADDRESS = "primary_email.notification_address"
PASSWORD = "primary_email.authentication_password"
CLIENT_SECRET = "primary_email.client_secret"
DELIMITER = "text.delimiter"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    "key, raw, kept",
    [
        (PORT, 587, 587),
        (PORT, "587", 587),
        (PORT, " 0587 ", 587),
        (PORT, "+25", 25),
        (SSL, True, True),
        (SSL, False, False),
        (SSL, "True", True),
        (SSL, "YES", True),
        (SSL, "on", True),
        (SSL, "1", True),
        (SSL, 1, True),
        (SSL, "false", False),
        (SSL, "No", False),
        (SSL, "off", False),
        (SSL, " 0 ", False),
        (TENANT, GUID.upper(), GUID),
        (TENANT, f" {{{GUID}}} ", GUID),
        (TENANT, uuid.UUID(GUID), GUID),
        (TENANT, "", ""),
        (ADDRESS, " Jörg <a'b@ex\N{LATIN SMALL LETTER A WITH DIAERESIS}.de> ", " Jörg <a'b@exä.de> "),
        (ADDRESS, "", ""),
        (DELIMITER, "^", "^"),
        (CLIENT_SECRET, " with spaces ", " with spaces "),
        (PASSWORD, " enc:v1:k:abc ", "enc:v1:k:abc"),
        ("text.installation_name", "Notify.Example.COM", "notify.example.com"),
    ],
)
def test_a_value_is_kept_in_its_canonical_form(key: str, raw: object, kept: object) -> None:
    parsed = find(key).parse(raw)
    assert (parsed, type(parsed)) == (kept, type(kept))


@pytest.mark.parametrize(
    "key, raw, fault",
    [
        (PORT, 0, "is too small"),
        (PORT, 65536, "is too large"),
        (PORT, "9" * 5000, "is not a whole number"),
        (PORT, True, "is not a whole number"),
        (PORT, 25.0, "is not a whole number"),
        (PORT, "25.0", "is not a whole number"),
        (PORT, "0x19", "is not a whole number"),
        (PORT, "6_5", "is not a whole number"),
        (PORT, "\N{ARABIC-INDIC DIGIT TWO}5", "is not a whole number"),
        (PORT, "", "is not a whole number"),
        (PORT, None, "is not a whole number"),
        (SSL, "maybe", "is neither True nor False"),
        (SSL, 2, "is neither True nor False"),
        (SSL, None, "is neither True nor False"),
        (TENANT, GUID[:-1], "is not a GUID"),
        (TENANT, "{" + GUID, "is not a GUID"),
        (TENANT, GUID.replace("-", ""), "is not a GUID"),
        (TENANT, 7, "is not a GUID"),
        (ADDRESS, "a@b\r\nBcc: c@d", "has a control character at position 4"),
        (ADDRESS, "tab\there", "has a control character at position 4"),
        (ADDRESS, "\x7f", "has a control character at position 1"),
        (ADDRESS, "a\N{LINE SEPARATOR}b", "has a control character at position 2"),
        (ADDRESS, "\ud800", "has a control character at position 1"),
        (ADDRESS, "x" * 4001, "has 4001 characters"),
        (ADDRESS, 5, "is not text"),
        ("general.unc_user", "o'neill", "has the character ' at position 2"),
        (DELIMITER, ";", "is not one of the choices"),
        (DELIMITER, "", "is not one of the choices"),
        (PASSWORD, "plain", "is not encrypted"),
        (PASSWORD, MASK, "is the mask"),
        (CLIENT_SECRET, MASK, "is the mask"),
        (CLIENT_SECRET, "two\nlines", "has a control character at position 4"),
        ("text.installation_name", "", "is not a domain name"),
        ("text.installation_name", "a..b", "is not a domain name"),
        ("text.installation_name", "-a.b", "is not a domain name"),
        ("text.installation_name", "a b", "is not a domain name"),
        ("text.installation_name", "a." * 127 + "b", "is not a domain name"),
    ],
)
def test_a_refusal_names_option_fault_and_what_is_allowed(key: str, raw: object, fault: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        find(key).parse(raw)
    message = str(caught.value)
    assert message.startswith(f"{key}: {fault}")
    assert message.endswith(f"; allowed: {find(key).kind.allowed}")


@given(raw=st.text(min_size=3), key=st.sampled_from(sorted(ALL_OPTIONS)))
def test_no_refusal_repeats_the_value_and_every_kept_value_is_stable(raw: str, key: str) -> None:
    planted = f"zq{raw}qz"
    option = find(key)
    try:
        kept = option.parse(planted)
    except InvalidValue as refusal:
        told = f"{refusal}{refusal!r}{refusal.__context__!r}"
        assert planted not in told
        assert repr(planted)[1:-1] not in told
    else:
        assert option.parse(kept) == kept


def test_a_domain_name_of_253_characters_is_the_longest() -> None:
    label = "a" * 63
    assert Domain().parse(f"{label}.{label}.{label}.{'b' * 61}")
    with pytest.raises(Refused):
        Domain().parse(f"{label}.{label}.{label}.{'b' * 62}")
    with pytest.raises(Refused):
        Domain().parse("a" * 64)


def test_an_error_survives_the_way_to_another_process() -> None:
    errors: list[Exception] = [
        UnknownOption("a.b", ("a.c",)),
        InvalidChange([InvalidValue("a", "is odd", "even"), UnknownOption("b")]),
        StaleRevision(1, 2, ("revision 2",)),
    ]
    for error in errors:
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
        assert isinstance(error, InvalidOption | StaleRevision)
