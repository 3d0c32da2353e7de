"""Where the issuer of a certificate publishes its revocation list (RFC 5280 §4.2.1.13, cRLDistributionPoints).

Addresses are those of whoever made the certificate. A stranger's chain may therefore name any address at all: who fetches
looks at the root first (``node/pki``).
"""

from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from credentials.did.certificate_chain import ChainCertificate

MAX_URLS: Final = 4
"""Addresses taken from one certificate; more are passed over. PKIoverheid names one."""
MAX_URL: Final = 512
"""Longest address, in characters."""


def distribution_urls(certificate: ChainCertificate) -> tuple[str, ...] | None:
    """Return where the whole list of a certificate's issuer can be had.

    Returns:
        ``http`` and ``https`` addresses, any one of which will do. None when the certificate names no distribution point:
        its issuer publishes no list. Empty when it names only what we can not use: LDAP, lists of another issuer, or parts
        of a list by reason.
    """
    try:
        points = certificate.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return None
    found = (
        name.value
        for point in points
        if point.reasons is None and point.crl_issuer is None
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )
    return tuple(dict.fromkeys(filter(_is_usable, found)))[:MAX_URLS]


def _is_usable(url: str) -> bool:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.fragment
    except ValueError:
        return False
