"""Where job output comes from: the scheduler's REST API."""

from __future__ import annotations

from settings_store.kinds import Boolean, Integer, Secret, Text
from settings_store.option import Option
from settings_store.service_address import ServiceAddress

TITLE = "Job output"

OPTIONS: tuple[Option, ...] = (
    Option(
        "jors.api_address",
        "Address of the scheduler's REST API",
        ServiceAddress(),
        "",
        "Such as https://opcon.example.com:9010/api. Blank: job output cannot be fetched, and mails that ask "
        "for it say so. It is asked directly, whatever proxy the worker's environment names.",
    ),
    Option(
        "jors.api_user",
        "User",
        Text(),
        "",
        "Who signs in there. The user needs the right to view the output of the jobs, and no more. "
        "Unused while a token is set.",
    ),
    Option(
        "jors.api_password",
        "Password",
        Secret(encrypted_only=False),
        "",
        "Password of that user, given plain or sealed by `notify encrypt`.",
    ),
    Option(
        "jors.api_token",
        "Token",
        Secret(encrypted_only=False),
        "",
        "An application's token, used as it is in place of user and password; plain or sealed.",
    ),
    Option(
        "jors.ca_bundle",
        "CA bundle of the scheduler",
        Text(),
        "",
        "File with the certificates (PEM) that the scheduler's own is checked against, the same path on "
        "every worker. Blank: those of the operating system.",
    ),
    Option(
        "jors.verify_certificate",
        "Verify the scheduler's certificate",
        Boolean(),
        default=True,
        help="False takes any certificate: whoever stands between reads password and output. "
        "Name a CA bundle instead.",
    ),
    Option(
        "jors.agent_limit_bytes",
        "Agents' limit of job output",
        Integer(0, 52_428_800, "bytes"),
        65_536,
        "What agents cut job output at (MaxJorsFileSize of the Windows agent). They do not say that they "
        "did, so a mail says that output of at least this length may be cut. 0: never said.",
    ),
)
