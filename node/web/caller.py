"""From which address a request came: the peer of the connection, or whom the proxy in front of us says it asks for.

A proxy does TLS for us exactly when our public listener does not (ARCHITECTURE decision 6). Then the last address in
``X-Forwarded-For`` was added by that proxy and is believed; those before it are anybody's claim. With our own TLS nobody stands in
between, and the header is not looked at. The answer is for counting, limits and the record; nothing is granted on it.
"""

import ipaddress

from aiohttp import web

ADDRESS: web.RequestKey[str] = web.RequestKey("ADDRESS", str)
"""Where the boundary leaves it on the request."""

_HEADER = "X-Forwarded-For"


def caller_address(request: web.Request, *, behind_proxy: bool) -> str | None:
    """Return the caller's address, numeric, or ``None`` when the connection has none.

    Args:
        request: of which nothing was believed yet.
        behind_proxy: whether the listener leaves TLS to a proxy.
    """
    if behind_proxy:
        said = request.headers.getall(_HEADER, [])
        last = said[-1].rpartition(",")[2].strip() if said else ""
        try:
            return str(ipaddress.ip_address(last))
        except ValueError:
            pass
    return request.remote


def address_of(request: web.Request) -> str | None:
    """Return the address that the boundary found."""
    return request.get(ADDRESS) or request.remote
