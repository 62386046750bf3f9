from __future__ import annotations

import pytest

from settings_store.cipher import Cipher
from settings_store.keyring import Keyring
from settings_store.snapshot import Snapshot
from tasks.attachments.unc.account import NoAccount, account_of

CIPHER = Cipher(Keyring("k", {"k": bytes(32)}), "test")
SEAL = CIPHER.seal("general.unc_password", "Winter 2026!")


def options(user: str = "", seal: str = "") -> Snapshot:
    stored = {"general.unc_user": user, "general.unc_password": seal}
    return Snapshot(stored={key: value for key, value in stored.items() if value}, cipher=CIPHER)


@pytest.mark.parametrize(
    "given, signs_in_as",
    [
        (r"CORP\svc_notify", r"CORP\svc_notify"),
        ("svc_notify@corp.example", "svc_notify@corp.example"),
        ("svc_notify", "svc_notify"),
        (r".\svc_notify", "svc_notify"),
        (r" CORP\Dienst Konto ", r"CORP\Dienst Konto"),
    ],
)
def test_an_account_is_of_a_domain_or_of_the_server_itself(given: str, signs_in_as: str) -> None:
    account = account_of(options(given, SEAL))
    assert account.user == signs_in_as
    assert account.password() == "Winter 2026!"


@pytest.mark.parametrize(
    "given, password, fault",
    [
        ("", "set", "general.unc_user is blank"),
        ("  ", "set", "general.unc_user is blank"),
        ("svc", "", "general.unc_password is blank"),
        ("CORP\\", "set", "is neither DOMAIN"),
        ("\\svc", "set", "is neither DOMAIN"),
        ("A\\B\\svc", "set", "is neither DOMAIN"),
        (r"CORP\svc@corp.example", "set", "is neither DOMAIN"),
        ("@corp.example", "set", "is incomplete"),
        ("svc@", "set", "is incomplete"),
    ],
)
def test_an_account_that_cannot_sign_in_is_told_in_words(given: str, password: str, fault: str) -> None:
    with pytest.raises(NoAccount, match=fault):
        account_of(options(given, SEAL if password else ""))


def test_an_account_shows_neither_its_password_nor_its_seal() -> None:
    shown = repr(account_of(options("svc", SEAL)))
    assert SEAL not in shown
    assert "Winter" not in shown
