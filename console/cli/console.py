"""`notify console`: serve the pages and the HTTP API."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

import click

from console.cli.author import author, source
from console.cli.context import client, environment
from console.cli.errors import BadInput, Failed
from console.cli.output import say, tell, warn
from console.serving.server import CannotServe, Place, serve
from console.web.application import create_app
from settings_store.access import Access, first_administrator
from settings_store.logs.logs import Logs
from settings_store.store import SettingsStore
from tasks.tracing import beginning

DEFAULT_PORT = 8090
_HIGHEST_PORT = 65535
_EXAMPLES = """\b
Examples:
  notify console
  notify console --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem
  notify console --trusted-proxy 10.0.0.5 --allow-host notify.example.com
"""


@click.command("console", epilog=_EXAMPLES)
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port", type=click.IntRange(0, _HIGHEST_PORT), default=DEFAULT_PORT, show_default=True, help="0: any."
)
@click.option(
    "--tls-cert", type=click.Path(path_type=Path), help="The certificate's chain, PEM: serve HTTPS."
)
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option(
    "--allow-host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="Answer only requests for this name; again for more, *.example.com for all below.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    metavar="ADDRESS",
    multiple=True,
    help="Believe what this proxy says of the client's address and of TLS; again for more.",
)
def console(
    *,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    hosts: tuple[str, ...],
    proxies: tuple[str, ...],
) -> None:
    """Serve the pages and the HTTP API until Ctrl-C or SIGTERM.

    Where there is no account yet, it makes the first administrator and prints the password, this once.
    """
    if (tls_cert is None) != (tls_key is None):
        raise BadInput("--tls-cert and --tls-key belong together", "--tls-cert chain.pem --tls-key key.pem")
    for name in hosts:
        if name != "*" and ("*" in name.removeprefix("*.") or "/" in name or not name):
            raise BadInput(f"--allow-host {name}: is no name", "--allow-host notify.example.com")
    found = environment()
    app = create_app(found, allowed_hosts=hosts)
    made = first_administrator(Access(client(found), prefix=found.prefix), by=author(), source=source())
    if made:
        say(f"first administrator: {made.name}")
        say(f"password, shown this once: {made.password}")
        sys.stdout.flush()
    if not tls_cert and not proxies and not _is_loopback(host):
        warn("passwords go over the network unencrypted: give --tls-cert and --tls-key, or --trusted-proxy")
    beginning.begin("notify-console")
    Logs("console", found.log_file).follow(SettingsStore(client(found), prefix=found.prefix).snapshot)
    try:
        serve(
            app,
            Place(host, port, tls_cert, tls_key, proxies),
            ready=lambda address: tell(f"console at {address}"),
        )
    except CannotServe as fault:
        raise Failed(str(fault), f"notify console --port {DEFAULT_PORT + 1}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
