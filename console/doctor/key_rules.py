"""The key file: there, for its owner alone, and fit to open every secret; here and on the workers."""

from __future__ import annotations

from collections.abc import Iterator

from console.doctor.facts import Facts, KeyFacts
from console.doctor.finding import Finding

_NAME = "start it anew with NOTIFY_KEY_FILE naming a copy of the file that is used here"
_COPY = "copy the key file of here to where its NOTIFY_KEY_FILE says: it reads that anew, with no restart"
_MAKE = "`notify keys generate FILE`, then NOTIFY_KEY_FILE=FILE for every worker and command"


def key_findings(facts: Facts) -> Iterator[Finding]:
    """This process' key file, then the workers'."""
    known = facts.keys
    if known is None:
        return
    yield _file(known)
    for option, reason in known.closed.items():
        yield Finding(
            "keys.secret",
            "error",
            f"{option} cannot be opened here: {reason}",
            "where the workers have the same keys they cannot sign in, and pass the server over",
            "put the key file back, or enter the secret anew: `notify encrypt`, "
            f"then `notify options set {option}=enc:... --reason TEXT`",
        )
    yield from _workers(facts, known)


def _file(known: KeyFacts) -> Finding:
    check = "keys.file"
    if known.fault:
        return Finding(
            check,
            "error",
            f"the key file cannot be used: {known.fault}",
            "a worker that starts with it ends at once, and no secret opens",
            f"`chmod 600 {known.named[0]}`" if "chmod" in known.fault else _MAKE,
        )
    if known.named:
        secrets = f"it opens {len(known.needed) - len(known.closed)} of {len(known.needed)} secrets"
        return Finding(check, "ok", f"key file {', '.join(known.named)}: {secrets}")
    if known.needed:
        return Finding(
            check,
            "error",
            f"{len(known.needed)} secrets are set, and NOTIFY_KEY_FILE is not",
            "without the key file no secret opens",
            "name the file that sealed them in NOTIFY_KEY_FILE",
        )
    return Finding(check, "ok", "no secret is set, so no key file is needed")


def _workers(facts: Facts, known: KeyFacts) -> Iterator[Finding]:
    needed = set(known.needed.values())
    for member in facts.fleet or ():
        if member.life is None:
            continue
        missing = sorted(needed - set(member.life.keys or ()))
        if missing:
            without, cure = f"lacks the key {', '.join(missing)}", _COPY
            if member.life.keys is None:
                without, cure = "has no key file", _NAME
            yield Finding(
                "keys.worker",
                "error",
                f"worker {member.name} {without}",
                "it cannot open the secrets that are set, so it cannot sign in to their servers",
                cure,
            )
