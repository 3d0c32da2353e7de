"""From which address a request came: the peer of the connection, or whom the proxy in front of us says it asks for.

A proxy does TLS for us exactly when our public listener does not (ARCHITECTURE decision 6). Then the last address in
``X-Forwarded-For`` was added by that proxy and is believed; those before it are anybody's claim. With our own TLS nobody stands in
between, and the header is not looked at. The answer is for counting, limits and the record; nothing is granted on it.

A proxy that does not say for whom it asks is no caller: if its own address had turns, any stranger behind it could use up everybody's.
"""

import ipaddress
import re

from aiohttp import web

ADDRESS: web.RequestKey[str] = web.RequestKey("ADDRESS", str)
"""Where the boundary leaves it on the request."""

_HEADER = "X-Forwarded-For"
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+", re.ASCII)
"""How some proxies write an address: with the port it called from."""


def caller_address(request: web.Request, *, behind_proxy: bool) -> str | None:
    """Return the caller's address, numeric, or ``None`` when the connection has none, or our proxy does not say.

    Args:
        request: of which nothing was believed yet.
        behind_proxy: whether the listener leaves TLS to a proxy.
    """
    if not behind_proxy:
        return request.remote
    said = request.headers.getall(_HEADER, [])
    last = said[-1].rpartition(",")[2].strip() if said else ""
    if (with_port := _WITH_PORT.fullmatch(last)) is not None:
        last = with_port[1] or with_port[2] or ""
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return None


def address_of(request: web.Request) -> str | None:
    """Return the address that the boundary found, or else that of the connection: for the record."""
    return request.get(ADDRESS) or request.remote


def limited_address(request: web.Request) -> str | None:
    """Return the address that the boundary found: for limits; ``None`` when nobody says who calls."""
    return request.get(ADDRESS) or None
