"""The only maker of `VerifiedStatusList`: the list is the one that was asked for, current, and signed by who says it is theirs.

That its issuer is the issuer of a credential is checked for every credential that uses it (`credentials.status.check`).
"""

from datetime import datetime

from credentials.claims import check_current
from credentials.errors import UntrustedError
from credentials.jsonld.proof import Proof
from credentials.status.lists import StatusList, VerifiedStatusList
from credentials.vc.evidence import Evidence
from credentials.vc.signature import check_jwt, check_proof


def verify_status_list(signed: StatusList, *, url: str, evidence: Evidence, now: datetime) -> VerifiedStatusList:
    """Check a list as it was fetched; in JSON-LD that is milliseconds of CPU, so not on an event loop.

    Args:
        signed: as received; nothing about it is assumed.
        url: where it was fetched; a list is believed under its own name only, so that one list of an issuer can not be served
            in the place of another.
        evidence: keys of its issuer.
        now: aware UTC; the list counts as heard of at this moment.

    Raises:
        UntrustedError: another list, or its signature or key is not accepted.
        NotCurrentError: it, or a certificate, is not valid at ``now``.
        MalformedError: certificates or a proof in it are not readable.
    """
    # (1) the one that was asked for
    if url not in signed.names:
        raise UntrustedError("status list is not the one at this address")
    # (2) current
    check_current(now, not_before=signed.issued_at, expires=signed.expires_at)
    # (3) signed by its issuer
    if isinstance(signed.secured, Proof):
        check_proof(signed.document or {}, signed.secured, signed.issuer, evidence, now)
    else:
        check_jwt(signed.secured, signed.issuer, evidence, now)
    return VerifiedStatusList(list=signed, issuer_key=signed.kid, as_of=now)
