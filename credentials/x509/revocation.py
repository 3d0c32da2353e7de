"""May this chain still be relied on? Revocation lists and the deny list, decided from evidence that was fetched before.

How it is used (`credentials.vc.verify` decides, ``node/pki`` fetches)::

    chain = X509Identifier.parse(issuer).chain_in(x5c)   # the one path that goes through the CA it names
    evidence = await revocation.gather([chain])          # node/pki: RevocationEvidence, the only wait
    resolve_x509(identifier, chain, now)                 # validates the chain
    evidence.check(chain, now)                           # raises, or says nothing

The check does not fetch, cache or look at the clock: call it with every verification, also when the signature was
remembered. It takes microseconds, unless a list has a hundred thousand entries. Evidence without lists, which is the
default, refuses every certificate that names one.

A certificate that names no distribution point has an issuer that publishes no list; there is nothing to check, and it is
accepted, as nuts-node does. Who holds a revoked certificate can not take its distribution point away, since that is
signed. A certificate that does name one is refused when no current list can be had (hard fail), unless ``soft_fail``.
The root is what is trusted and cannot revoke itself; it may be on the deny list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from credentials.did.certificate_chain import CertificateChain, ChainCertificate
from credentials.errors import RevokedError, UnavailableError, UntrustedError
from credentials.unavailable import Unavailable
from credentials.x509.deny_list import DenyList
from credentials.x509.distribution_points import distribution_urls
from credentials.x509.revocation_list import RevocationList

__all__ = ["DenyList", "RevocationEvidence", "RevocationList", "Unavailable", "check_revocation", "crl_urls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEvidence:
    """What was found about the certificates of some chains; arguments of `check_revocation`.

    Attributes:
        lists: by address.
        deny: the deny list; None when the operator names none.
        soft_fail: accept what can not be told.
        as_of: when it was gathered, aware UTC. Lists are judged at that moment, also by who asks whether a message was good at
            another one: they say what is revoked by now, and an authority does not say what was not. None is the moment asked for.
    """

    lists: Mapping[str, RevocationList | Unavailable] = field(default_factory=dict)
    deny: DenyList | Unavailable | None = None
    soft_fail: bool = False
    as_of: datetime | None = None

    def check(self, chain: CertificateChain, now: datetime) -> None:
        """Check that no certificate of a chain was revoked or denied; errors are those of `check_revocation`."""
        check_revocation(chain, self.lists, self.deny, self.as_of or now, soft_fail=self.soft_fail)


def crl_urls(chain: CertificateChain) -> tuple[str, ...]:
    """Return where lists about the certificates below the root can be had; each address once, the leaf's first."""
    return tuple(dict.fromkeys(url for each in chain.certificates[:-1] for url in distribution_urls(each) or ()))


def check_revocation(
    chain: CertificateChain,
    lists: Mapping[str, RevocationList | Unavailable],
    deny: DenyList | Unavailable | None,
    now: datetime,
    *,
    soft_fail: bool = False,
) -> None:
    """Check that no certificate of a chain was revoked or denied.

    Args:
        chain: validated here or elsewhere; names and keys of issuers are taken from it.
        lists: by address, what could be had of `crl_urls`; an address that is missing counts as unavailable.
        deny: the deny list; None when there is none to look at.
        now: aware UTC.
        soft_fail: accept what can not be told. What is known to be revoked or denied is refused all the same, also by
            a list that is out of date.

    Raises:
        RevokedError: a certificate is on the list of its issuer.
        UntrustedError: a certificate is on the deny list.
        UnavailableError: it can not be told; the cause names the address for the operator.
    """
    # (1) the deny list, for every certificate; none may be missing that the operator wants
    if isinstance(deny, Unavailable):
        if not soft_fail:
            raise UnavailableError("whether a certificate is denied can not be told now") from _because(deny.reason)
    elif deny is not None:
        for each in chain.certificates:
            if deny.reason_against(each) is not None:
                raise UntrustedError("a certificate of the chain is on the deny list")
    # (2) the lists, from the root down: a CA that was revoked may have stopped publishing
    for certificate, issuer in reversed(list(pairwise(chain.certificates))):
        _check_certificate(certificate, issuer, lists, now, soft_fail=soft_fail)


def _check_certificate(
    certificate: ChainCertificate,
    issuer: ChainCertificate,
    lists: Mapping[str, RevocationList | Unavailable],
    now: datetime,
    *,
    soft_fail: bool,
) -> None:
    # (1) its issuer publishes no list
    urls = distribution_urls(certificate)
    if urls is None:
        return
    # (2) revoked on any list of its issuer, be it out of date
    found = [(url, lists.get(url, Unavailable("not fetched"))) for url in urls]
    applying = [one for _, one in found if isinstance(one, RevocationList) and one.is_of(issuer)]
    applying = [one for one in applying if one.covers(certificate, urls)]
    if any(one.has(certificate.certificate.serial_number) for one in applying):
        raise RevokedError("a certificate of the chain was revoked by its issuer")
    # (3) not revoked on at least one that is current: several addresses are copies of one list
    if not soft_fail and not any(one.is_current(now) for one in applying):
        reasons = [
            f"{url}: {one.reason if isinstance(one, Unavailable) else 'not a current list of the issuer'}"
            for url, one in found
        ]
        raise UnavailableError("whether a certificate was revoked can not be told now") from _because(
            "; ".join(reasons) or "it names no address that can be used"
        )


def _because(reason: str) -> Exception:
    return LookupError(reason)
