"""Where the tokens come from that sign in by OAuth."""

from __future__ import annotations

from settings_store.authority_host import AuthorityHost
from settings_store.kinds import Text
from settings_store.option import Option
from settings_store.service_address import ServiceAddress

TITLE = "OAuth"

#: Microsoft's public cloud.
AUTHORITY_HOST = "login.microsoftonline.com"
#: Whatever the application was granted in Exchange Online; an application's own sign-in takes no other form.
SCOPE = "https://outlook.office365.com/.default"

OPTIONS: tuple[Option, ...] = (
    Option(
        "oauth.authority_host",
        "Identity service",
        AuthorityHost(),
        AUTHORITY_HOST,
        "Host that issues tokens, with :port where that is not 443. National clouds have their own: "
        "login.microsoftonline.us, login.partner.microsoftonline.cn.",
    ),
    Option(
        "oauth.scope",
        "Scope of tokens",
        Text(),
        SCOPE,
        "What a token is asked for. It ends in /.default; national clouds have addresses of their own: "
        "https://outlook.office365.us/.default, https://partner.outlook.cn/.default.",
    ),
    Option(
        "oauth.ca_bundle",
        "CA bundle of the identity service",
        Text(),
        "",
        "File with the certificates (PEM) that the identity service's own is checked against, the same path "
        "on every worker. Blank: those of the operating system. The environment of a worker is not asked.",
    ),
    Option(
        "oauth.proxy_address",
        "Proxy to the identity service",
        ServiceAddress(),
        "",
        "Such as http://proxy.example.com:3128. Blank: it is asked directly, whatever proxy the worker's "
        "environment names.",
    ),
)
