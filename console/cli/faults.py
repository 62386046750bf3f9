"""What an exception from below means to the person at the terminal: what is wrong, and what to type next."""

from __future__ import annotations

import os
import ssl
from typing import Final

import redis

from console.cli.access_fault import access_fault
from console.cli.context import REPLY_TIMEOUT_SECONDS, address
from console.cli.errors import BadInput, CommandError, Failed, NotAllowed
from settings_store import errors as settings
from settings_store.access import AccessFault
from settings_store.environment import InvalidEnvironment, load

#: Subclasses before their bases.
#: OpenSSL's numbers (X509_V_ERR_...) of what only a strict check of a certificate's form finds.
_WRONG_FORM: Final = range(79, 95)
_REDIS: tuple[tuple[type[redis.RedisError], type[CommandError], str, str], ...] = (
    (
        redis.AuthenticationError,
        NotAllowed,
        "refuses the user or password",
        "put the right one into NOTIFY_REDIS_URL: redis://USER:PASSWORD@HOST:PORT/0",
    ),
    (
        redis.exceptions.NoPermissionError,
        NotAllowed,
        "does not allow this user what is needed",
        "`redis-cli ACL LOG` shows what was refused; name another user in NOTIFY_REDIS_URL",
    ),
    (
        redis.InvalidResponse,
        Failed,
        "does not answer: what listens there speaks another protocol",
        "name host and port of Redis in NOTIFY_REDIS_URL; rediss:// where it wants TLS",
    ),
    (redis.BusyLoadingError, Failed, "is still loading its data", "try again in a moment"),
    (
        redis.ReadOnlyError,
        Failed,
        "is a replica and cannot write",
        "name its primary in NOTIFY_REDIS_URL",
    ),
    (
        redis.TimeoutError,
        Failed,
        f"does not answer: no reply within {REPLY_TIMEOUT_SECONDS:g} s",
        "see whether it runs and can be reached: the server's log, the network, NOTIFY_REDIS_URL",
    ),
)
_HISTORY = "`notify options history` shows who changed what; look at it, then repeat the command"


def explained(error: BaseException) -> CommandError | None:
    """The fault in words, or None where it is not one that we know."""
    match error:
        case CommandError():
            return error
        case InvalidEnvironment():
            what, _, cure = str(error).partition(": ")
            return BadInput(what, cure or f"correct it, or take it away: `unset {what.split()[0]}`")
        case settings.SettingsError():
            return access_fault(error) if isinstance(error, AccessFault) else _settings(error)
        case redis.RedisError():
            return redis_fault(error)
        case OSError():
            return Failed(f"{error.filename or 'the system'}: {error.strerror or type(error).__name__}")
    return None


def redis_fault(error: redis.RedisError) -> CommandError:
    """Why Redis does not do as asked, with its address and without its password."""
    where = f"Redis at {_where()}"
    for kind, ending, what, cure in _REDIS:
        if isinstance(error, kind):
            return ending(f"{where} {what}", cure)
    if isinstance(error, redis.ConnectionError):
        tls = _tls_fault(error)
        if tls:
            return Failed(f"{where} {tls[0]}", tls[1])
        return Failed(
            f"{where} does not answer: {_cause(error)}",
            "start one here with `make up`, or name the right one in NOTIFY_REDIS_URL",
        )
    # Redis may quote what it was sent; the first word of its errors never does.
    return Failed(f"{where} refuses the command: {_first_word(error)}", "look into the server's log")


#: What OpenSSL says of a server that refuses our certificate, or that we showed none.
_CERTIFICATE_WANTED: Final = frozenset(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    }
)


def _where() -> str:
    try:
        return address(load(os.environ).redis_url)
    except (InvalidEnvironment, CommandError):
        return "an unknown address"


def _tls_fault(error: BaseException) -> tuple[str, str] | None:
    """What is wrong with TLS and its cure, where it is that."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            why = seen.verify_message.rstrip(".")
            cure = "name its authority's file in NOTIFY_REDIS_CA_FILE, and a host that the certificate is for"
            if seen.verify_code in _WRONG_FORM:
                cure = "have them issued anew in the form of RFC 5280, which Python 3.13 asks for"
            return f"proves by no trusted certificate who it is: {why}", cure
        if isinstance(seen, ssl.SSLError) and seen.reason in _CERTIFICATE_WANTED:
            return (
                "asks for a certificate of ours, and takes none that it was shown",
                "name one that its authority made: NOTIFY_REDIS_URL=…?ssl_certfile=FILE&ssl_keyfile=FILE",
            )
        if isinstance(seen, ssl.SSLError):
            return (
                "does not speak TLS as asked",
                "name its port for TLS in NOTIFY_REDIS_URL, or begin it with redis:// where it has none",
            )
        seen = seen.__cause__ or seen.__context__
    return None


def _cause(error: BaseException) -> str:
    """The reason of the operating system beneath a failed connection."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror.lower()
        seen = seen.__cause__ or seen.__context__
    return "the connection was closed"


def _first_word(error: redis.RedisError) -> str:
    words = str(error).split()
    return words[0].rstrip(":,.") if words else type(error).__name__


def _settings(error: settings.SettingsError) -> CommandError:
    match error:
        case settings.InvalidOption():
            return _invalid(error)
        case settings.UnreadableOptions():
            return BadInput(f"the file of options: {error.fault}", f"it may be: {error.allowed}")
        case settings.StaleRevision():
            first, *between = str(error).split("\n")
            return Failed(first, _HISTORY, details=tuple(line.strip() for line in between))
        case settings.UnknownRevision():
            return BadInput(str(error), "`notify options history` lists the revisions there are")
        case settings.SecretFault():
            return _secret(error)
    return Failed(
        str(error), "see that NOTIFY_REDIS_URL and NOTIFY_PREFIX name this installation and no other program"
    )


def _secret(error: settings.SecretFault) -> CommandError:
    words = str(error)
    if isinstance(error, settings.KeyringUnusable):
        return Failed(words, _keyring_cure(words))
    what, _, cure = words.partition("; ")
    if isinstance(error, settings.NoKeyring):
        cure = "`notify keys generate FILE`, then name FILE in NOTIFY_KEY_FILE"
    return Failed(what, cure)


def _invalid(error: settings.InvalidOption) -> CommandError:
    first, *more = error.faults
    hint = "`notify options list` shows every option, its value and its limits"
    if isinstance(first, settings.UnknownOption) and first.proposals:
        hint = f"`notify options get {first.proposals[0]}`"
    elif isinstance(first, settings.InvalidValue):
        group = first.key.partition(".")[0]
        hint = f"`notify options list --group {group}` shows the values that hold" if "." in first.key else ""
    if not more:
        return BadInput(str(first), hint)
    return BadInput(
        f"nothing was saved: {len(error.faults)} faults", hint, details=tuple(map(str, error.faults))
    )


def _keyring_cure(words: str) -> str:
    path = words.partition(":")[0]
    if "chmod" in words:
        return f"`chmod 600 {path}`"
    if "exists" in words:
        return "name a file that does not exist yet"
    return "NOTIFY_KEY_FILE names it: put the file back, or `notify keys generate FILE` makes a first one"
