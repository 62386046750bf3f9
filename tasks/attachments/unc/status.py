"""What a server's status means, in the words of a Windows administrator.

Source: [MS-ERREF] 2.3.1, and what Windows itself says for each.
"""

from __future__ import annotations

from typing import Final

from tasks.attachments.source import AttachmentFault, Fault

END_OF_FILE: Final = 0xC0000011
ACCESS_DENIED: Final = 0xC0000022
BAD_NETWORK_NAME: Final = 0xC00000CC
#: What a path inside a DFS namespace is answered with where another server has it; Samba says the latter two.
NOT_HERE: Final = frozenset({0xC0000257, 0xC0000034, 0xC000003A})
#: The session or the share's connection has ended at the server; a new one may do.
SESSION_ENDED: Final = frozenset({0xC0000203, 0xC000035C, 0xC00000C9, 0xC000020C, 0xC000020D})

_SIGN_IN: Final = {
    0xC000006D: "logon failure: unknown user name or bad password",
    0xC000006A: "logon failure: unknown user name or bad password",
    0xC0000064: "logon failure: unknown user name or bad password",
    0xC000006E: "account restriction: a blank password, or a policy, keeps the account from signing in",
    0xC000006F: "the account may not sign in at this time of day",
    0xC0000070: "the account may not sign in from this computer",
    0xC0000071: "the account's password has expired",
    0xC0000072: "the account is disabled",
    0xC0000193: "the account has expired",
    0xC0000224: "the account's password must be changed before it signs in",
    0xC0000234: "the account is locked out",
    0xC000015B: "the account lacks the right to access this computer from the network",
    0xC0000413: "the server's authentication firewall does not let the account in",
    0xC0000418: "the server does not take NTLM, and this worker speaks nothing else",
    0xC00000BB: "the server does not take NTLM, and this worker speaks nothing else",
    0xC000018D: "the trust between the server's domain and the account's is broken",
    ACCESS_DENIED: "access denied at sign-in",
}

_REST: Final = {
    0xC0000034: (Fault.MISSING, "there is no such file"),
    0xC000000F: (Fault.MISSING, "there is no such file"),
    0xC000003A: (Fault.MISSING, "there is no such folder"),
    0xC0000225: (Fault.MISSING, "the server knows no such share or DFS link"),
    BAD_NETWORK_NAME: (Fault.MISSING, "the server has no such share"),
    0xC00000BA: (Fault.MISSING, "it is a folder, not a file"),
    0xC0000103: (Fault.MISSING, "a part of its path is a file, not a folder"),
    0xC0000033: (Fault.MISSING, "the server takes no file of that name"),
    0xC000003B: (Fault.MISSING, "the server takes no path like that"),
    0xC0000056: (Fault.MISSING, "it is being deleted"),
    ACCESS_DENIED: (Fault.DENIED, "access denied: the account may not read it"),
    0xC0000061: (Fault.DENIED, "access denied: the account lacks a privilege"),
    0xC0000043: (Fault.LOCKED, "sharing violation: another program has it open"),
    0xC0000054: (Fault.LOCKED, "another program has locked a part of it"),
    0xC0000011: (Fault.CHANGED, "it became shorter while it was read"),
    0xC00000B5: (Fault.LATE, "the server gave up reading it"),
    0xC000005E: (Fault.UNREACHABLE, "the server reaches no domain controller to check the account"),
    0xC00000BE: (Fault.UNREACHABLE, "the network path was not found"),
    0xC00000D0: (Fault.UNREACHABLE, "the server has as many connections as it takes"),
    0xC0000205: (Fault.UNREACHABLE, "the server is short of resources"),
    0xC000009A: (Fault.UNREACHABLE, "the server is short of resources"),
    0xC000026D: (Fault.UNREACHABLE, "the DFS namespace is not available"),
    0xC0000466: (Fault.UNREACHABLE, "the server is not available"),
    0xC0000257: (Fault.MISSING, "its DFS link leads nowhere"),
}

#: Another try soon may succeed.
_PASSING: Final = frozenset({Fault.LOCKED, Fault.LATE, Fault.UNREACHABLE})


class SignInRefused(AttachmentFault):
    """A server does not take the account; to try it again at once might lock it."""

    def __init__(self, words: str) -> None:
        super().__init__(Fault.DENIED, words)


def of_sign_in(status: int) -> AttachmentFault:
    """What it means at sign-in; `SignInRefused` where it is about the account."""
    if words := _SIGN_IN.get(status):
        return SignInRefused(words)
    return of_file(status)


def of_share(status: int) -> AttachmentFault:
    """What it means where a share is gone to."""
    if status == ACCESS_DENIED:
        return AttachmentFault(Fault.DENIED, "access denied: the account may not use the share")
    return of_file(status)


def of_file(status: int) -> AttachmentFault:
    """What it means where a file is opened or read."""
    if status in SESSION_ENDED:
        return lost()
    kind, words = _REST.get(status, (Fault.BROKEN, f"the server answered with status 0x{status:08X}"))
    return AttachmentFault(kind, words, is_passing=kind in _PASSING)


def lost() -> AttachmentFault:
    """The connection ended."""
    return AttachmentFault(Fault.UNREACHABLE, "the connection to the server was lost", is_passing=True)


def late() -> AttachmentFault:
    """The time is over."""
    return AttachmentFault(Fault.LATE, "the server did not answer in time", is_passing=True)
