"""Its name, its address, its certificate: whether the other side can be reached at all."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from node.doctor.finding import Finding, failed, ok, skipped, warning
from node.doctor.ports import Probe, TlsError, TlsFault
from node.ports import PeerError

SOON = timedelta(days=14)
"""A certificate that ends within this time is told."""

_FAULTS: Mapping[TlsFault, tuple[str, str]] = {
    "expired": ("its certificate has expired", "the other side has to renew it"),
    "not_yet_valid": (
        "its certificate is not valid yet",
        "is the clock of this machine right? otherwise the other side has to replace it",
    ),
    "wrong_name": (
        "its certificate is for another name",
        "check the address; otherwise the other side has to get a certificate for this name",
    ),
    "unknown_authority": (
        "its certificate is of an authority that this machine does not trust, or comes without the ones in between",
        "the other side has to send its whole chain; an authority of your own goes into trust.ca_file",
    ),
    "revoked": ("its certificate was revoked", "the other side has to replace it"),
    "no_tls": (
        "what answers there speaks no TLS that we speak (1.2 or later)",
        "is the port right? otherwise the other side has to upgrade",
    ),
    "other": ("its certificate can not be trusted", "look at it with: openssl s_client -connect HOST:PORT"),
}


async def reach(probe: Probe, url: str, now: datetime) -> list[Finding]:
    """Look up the host of ``url``, an https URL, and shake hands with it."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    about = host if port == 443 else f"{host}:{port}"  # noqa: PLR2004  # https
    name = await _look_up(probe, host)
    if name.outcome == "failed":
        return [name, skipped("tls", "no_address", "there is no address to connect to", about=about)]
    address = str(name.facts["first"])
    return [name, await _shake_hands(probe, host, port, address, about, now)]


async def _look_up(probe: Probe, host: str) -> Finding:
    try:
        found = await probe.addresses(host)
    except PeerError as error:
        if error.code == "timeout":
            return failed(
                "dns", "timeout", "no name server answered", "look at the name servers of this machine", about=host
            )
        return failed(
            "dns",
            "unknown_name",
            "the name leads nowhere",
            "check the address; otherwise the other side has to put its name into DNS",
            about=host,
        )
    if not found.allowed:
        return failed(
            "dns",
            "refused_address",
            f"the name leads to {', '.join(found.refused)}, which is not public",
            "the other side has to publish a public address; on one machine, for development: unsafe_loopback_peers",
            about=host,
        )
    facts = {"addresses": found.allowed, "first": found.allowed[0]}
    if found.refused:
        return warning(
            "dns",
            "some_refused",
            f"one of its addresses is not public: {', '.join(found.refused)}; connections will fail now and then",
            "the other side has to take it out of DNS",
            about=host,
            **facts,
        )
    return ok("dns", f"{host} is {', '.join(found.allowed)}", about=host, **facts)


async def _shake_hands(probe: Probe, host: str, port: int, address: str, about: str, now: datetime) -> Finding:
    try:
        made = await probe.handshake(host, port, address)
    except TlsError as error:
        detail, remedy = _FAULTS[error.fault]
        return failed("tls", error.fault, detail, remedy, about=about)
    except PeerError as error:
        if error.code == "timeout":
            return failed(
                "tls",
                "timeout",
                f"{address} does not answer within 5 s",
                "is there a firewall in between, or on the other side?",
                about=about,
            )
        return failed(
            "tls",
            "no_connection",
            f"{address} takes no connection on port {port}",
            "is the other node running, and is the port right?",
            about=about,
        )
    until = made.expires_at.strftime("%Y-%m-%d")
    facts = {"version": made.version, "issuer": made.issuer, "expires": until}
    if made.expires_at - now < SOON:
        return warning(
            "tls",
            "expires_soon",
            f"its certificate ends on {until}",
            "the other side has to renew it",
            about=about,
            **facts,
        )
    return ok("tls", f"{made.version}, certificate until {until}", about=about, **facts)
