"""Where outbound connections may go (SSRF guard): a pure answer about one address, asked at connect time.

Checking the name is not enough, since a name can point elsewhere the moment we connect (DNS rebinding); so the address that is
about to be dialled is checked, after resolution, for every connection. The ranges are those of nuts-node (WIRE §4.2). What
``unsafe_loopback_peers`` opens is 127.0.0.0/8 and names under ``.localhost``, nothing else.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_LOOPBACK = IPv4Network("127.0.0.0/8")

_DENIED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip

_PUBLIC_V6 = IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)  # fmt: skip


def address_allowed(address: str, *, loopback: bool) -> bool:
    """Say whether a connection to ``address`` (an IP address in text) may be opened.

    Args:
        address: what the resolver gave or the URL held; anything that is no IP address, or one with a zone (``%lo``), is refused.
        loopback: whether ``unsafe_loopback_peers`` is set.
    """
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return False  # no public address has a zone: it says by which interface to leave
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, IPv4Address):
        if parsed in _LOOPBACK:
            return loopback
        return not any(parsed in network for network in _DENIED_V4)
    return parsed in _PUBLIC_V6 and not any(parsed in network for network in _DENIED_V6)


def is_loopback_name(host: str) -> bool:
    """Say whether ``host`` is ``localhost`` or lies under it (RFC 6761 §6.3): always this machine, never asked of DNS."""
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost")
