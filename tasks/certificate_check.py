"""What is asked of a certificate, alike on every Python: an update of Python alone refuses no server.

Python 3.13 began to refuse chains whose form RFC 5280 does not allow, such as an authority that does not say
what its key is for. Authorities that companies made themselves are often like that, and every other mail
client takes them; so we do too. Signatures, dates and names are checked as ever, and a certificate that an
administrator names is enough in itself, be it an intermediate authority's or the server's own.
"""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import create_urllib3_context


def check_alike(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, which asks on every Python what 3.13 asks, but for the form."""
    context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
    return context


def http_session() -> requests.Session:
    """A session whose https asks the same of certificates.

    Only for sessions that verify: the context of this one insists on it.
    """
    session = requests.Session()
    session.mount("https://", _Adapter())
    return session


class _Adapter(HTTPAdapter):
    """Gives urllib3 the context, on the straight way and by a proxy.

    What is trusted is loaded into it for each connection, so a session asks servers of one trust alone.
    """

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002  # its base's form
        more["ssl_context"] = check_alike(create_urllib3_context())
        super().init_poolmanager(connections, maxsize, block, **more)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        more["ssl_context"] = check_alike(create_urllib3_context())
        return super().proxy_manager_for(proxy, **more)
