"""Renewal of what we issue ourselves and hold ourselves; and what is about to expire, whoever issued it.

A credential of one of our organisations in the wallet of one of our organisations is issued again when a quarter of its life is left,
and takes the old one's place in the wallet; so it is when the key that signed it has left the document. What others issued is theirs
to renew: the report says it in time.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from credentials.keys import KeyId
from credentials.vc.credential import VC_TYPE
from node.audit.log import AuditError
from node.identity.errors import IdentityError
from node.identity.key_changes import OwnKey
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.issuing.errors import IssuingError
from node.issuing.issuer import Caller, Issuer
from node.issuing.store import Issued, IssuedStore
from node.keys.errors import VaultError
from node.ports import Clock

logger = logging.getLogger(__name__)

PAUSE = timedelta(minutes=5)
"""How often the node looks for what is to be renewed."""
REMAINING = 4
"""A credential is renewed when less than one part in this many of its life is left."""
WITHIN = timedelta(days=30)
"""What the report calls about to expire, unless somebody says otherwise."""

Again = Callable[..., Awaitable[Issued]]
"""How the next one is issued: `Issuer.renew` or `Issuer.sign_again`."""

OURSELVES = Caller(name="renewal", evidence="the node itself")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """A credential in one of our wallets that has expired or is about to.

    Attributes:
        subject: whose wallet.
        renewed_here: whether this node issues the next one by itself.
    """

    subject: str
    id: str
    holder: DID | None
    issuer: DID
    types: tuple[str, ...]
    expires_at: datetime
    renewed_here: bool


class Renewal:
    """Renews what can be renewed here and reports the rest.

    Args:
        issuer: issues again.
        store: what was issued.
        wallet: where the next one takes the place of the last.
        subjects: whose credentials these are.
        clock: when.
    """

    def __init__(self, *, issuer: Issuer, store: IssuedStore, wallet: Wallet, subjects: Subjects, clock: Clock) -> None:
        self._issuer = issuer
        self._store = store
        self._wallet = wallet
        self._subjects = subjects
        self._clock = clock

    async def run(self) -> None:
        """Renew what is due, for ever."""
        while True:
            await self.renew_due()
            await self._clock.sleep(PAUSE.total_seconds())

    async def renew_due(self) -> int:
        """Renew everything held here that is due, or was signed with a key that no longer counts; returns how many."""
        now = self._clock.now()
        done = 0
        for one in await self._store.held_here():
            if one.expires_at is not None and one.expires_at <= now:
                continue
            if one.kid not in dict(await self._subjects.keys(one.issuer)):
                done += await self._renew(one, self._issuer.sign_again)
            elif is_due(one, now):
                done += await self._renew(one, self._issuer.renew)
        return done

    async def after_compromise(self, subject: str, key: OwnKey) -> None:
        """Sign again what a key signed that was taken out of service; see `KeyChanges.on_compromise`."""
        done = await self.renew_signed_with([key.kid])
        logger.info("credentials signed again", extra={"subject": subject, "count": done})

    async def renew_signed_with(self, kids: Sequence[KeyId]) -> int:
        """Sign again what hangs on keys that no longer count, so that it can be verified; returns how many.

        What others hold is signed again too; they have to be given it.
        """
        done = 0
        for kid in kids:
            for one in await self._store.signed_with(kid):
                if one.expires_at is None or one.expires_at > self._clock.now():
                    done += await self._renew(one, self._issuer.sign_again, held_only=False)
        return done

    async def expiring(
        self, *, within: timedelta = WITHIN, leave_out: frozenset[str] = frozenset()
    ) -> tuple[Expiring, ...]:
        """Return what has expired or will within a time, in all wallets, soonest first.

        Args:
            within: how far to look ahead.
            leave_out: types that nobody wants to hear about.
        """
        until = self._clock.now() + within
        found = []
        for subject in await self._subjects.all():
            for held in await self._wallet.list(subject.name):
                credential = held.credential
                if (
                    credential.expires_at is not None
                    and credential.expires_at <= until
                    and not leave_out & set(credential.types)
                ):
                    issued = await self._store.get(credential.id)
                    found.append(
                        Expiring(
                            subject=subject.name,
                            id=credential.id,
                            holder=credential.subject_id,
                            issuer=credential.issuer,
                            types=tuple(each for each in credential.types if each != VC_TYPE),
                            expires_at=credential.expires_at,
                            renewed_here=issued is not None and issued.revoked_at is None,
                        )
                    )
        return tuple(sorted(found, key=lambda one: (one.expires_at, one.subject, one.id)))

    async def _renew(self, one: Issued, again: Again, *, held_only: bool = True) -> bool:
        holder = await self._subjects.subject_of(one.holder)
        is_held = holder is not None and await self._wallet.holds(holder, one.credential_id)
        if held_only and not is_held:
            return False
        try:
            next_one = await again(one.credential_id, caller=OURSELVES)
            if holder is not None and is_held:
                await self._wallet.replace(holder, one.credential_id, next_one.wire, self._clock.now())
        except (IssuingError, IdentityError, CredentialError, VaultError, AuditError) as error:
            logger.warning("a credential could not be renewed", extra={"error": type(error).__name__})
            return False
        return True


def is_due(one: Issued, now: datetime) -> bool:
    """Tell whether less than a quarter of a credential's life is left."""
    if one.expires_at is None or one.expires_at <= now:
        return False
    return (one.expires_at - now) * REMAINING < one.expires_at - one.issued_at
