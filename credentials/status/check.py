"""The decision: does a credential still stand, by the status lists that could be had.

Every entry is looked up, and every one has to say that the credential stands. What is not known refuses: a list that could not be
had, of another issuer, of another kind or purpose, expired, or last heard of longer ago than the grace.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from credentials.claims import check_current
from credentials.did.identifier import DID
from credentials.errors import NotCurrentError, RevokedError, UnavailableError, UntrustedError
from credentials.status.entry import StatusEntry, entries_of
from credentials.status.lists import VerifiedStatusList
from credentials.unavailable import Unavailable
from credentials.vc.credential import SignedCredential

STATUS_GRACE: Final = timedelta(minutes=15)
"""How long a list counts after its publisher was last heard of; then new requests are refused."""

StatusLists = Mapping[str, VerifiedStatusList | Unavailable]
"""Lists by the address in ``statusListCredential``; an address that is missing is as good as unavailable."""


def check_status(
    credential: SignedCredential, lists: StatusLists, now: datetime, *, grace: timedelta = STATUS_GRACE
) -> None:
    """Check every status entry of a credential; one without entries stands.

    Args:
        credential: its issuer is who has to have signed the lists.
        lists: what could be had.
        now: aware UTC.
        grace: how old a list may be when no newer one can be had.

    Raises:
        RevokedError: a bit is set.
        UnavailableError: a list could not be had, or not lately.
        NotCurrentError: a list has expired.
        UntrustedError: a list is not one for this credential.
        MalformedError: an entry can not be read, or its index lies outside the list.
    """
    for entry in entries_of(credential):
        check_entry(entry, credential.issuer, lists, now, grace=grace)


def check_entry(
    entry: StatusEntry, issuer: DID, lists: StatusLists, now: datetime, *, grace: timedelta = STATUS_GRACE
) -> None:
    """Check one entry of a credential of ``issuer``; see `check_status`."""
    # (1) a list that was had and verified
    found = lists.get(entry.url)
    if not isinstance(found, VerifiedStatusList):
        raise UnavailableError("the status list of a credential can not be had")
    # (2) by the one who issued the credential: nobody else takes it back, and nobody else lets it stand
    if found.list.issuer != issuer:
        raise UntrustedError("the status list of a credential is of another issuer")
    # (3) of the kind and for the purpose that the credential names
    if found.list.kind != entry.kind:
        raise UntrustedError("the status list of a credential is of another kind than it says")
    if entry.purpose not in found.list.purposes:
        raise UntrustedError("the status list of a credential has another purpose than it says")
    # (4) not expired
    try:
        check_current(now, not_before=found.list.issued_at, expires=found.list.expires_at)
    except NotCurrentError as error:
        raise NotCurrentError(f"the status list of a credential is {error}") from None
    # (5) heard of lately
    if now - found.as_of > grace:
        raise UnavailableError("the status list of a credential could not be had for too long")
    # (6) the bit itself
    if found.list.is_set(entry.index):
        raise RevokedError(f"a credential has been {'revoked' if entry.purpose == 'revocation' else 'suspended'}")
