from __future__ import annotations

import pytest

from settings_store.kinds import Refused
from settings_store.service_address import ServiceAddress


@pytest.mark.parametrize(
    "given, stored",
    [
        ("", ""),
        ("  ", ""),
        ("https://opcon.example.com:9010/api/", "https://opcon.example.com:9010/api"),
        (" HTTP://10.1.2.3 ", "HTTP://10.1.2.3"),
        ("https://[::1]:9010/api", "https://[::1]:9010/api"),
    ],
)
def test_an_address_is_stored_without_its_last_slash(given: str, stored: str) -> None:
    assert ServiceAddress().parse(given) == stored


@pytest.mark.parametrize(
    "given, fault",
    [
        ("opcon.example.com", "is not a web address"),
        ("ftp://opcon.example.com", "is not a web address"),
        ("https://", "is not a web address"),
        ("https:///api", "is not a web address"),
        ("https://host:99999/api", "is not a web address"),
        ("https://host:x/api", "is not a web address"),
        ("https://[::1/api", "is not a web address"),
        ("https://a b/api", "is not a web address"),
        ("https://u:p@host/api", "has a user in it"),
        ("https://host/api?x=1", "has a"),
        ("https://host/api#x", "has a"),
        ("https://host/api?", "has a"),
        ("https://host/\napi", "control character"),
        (7, "is not text"),
    ],
)
def test_what_is_no_address_of_a_service_is_refused_without_being_quoted(given: object, fault: str) -> None:
    with pytest.raises(Refused, match=fault) as caught:
        ServiceAddress().parse(given)
    assert "host" not in str(caught.value)
