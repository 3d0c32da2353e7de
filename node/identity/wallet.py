"""The credentials our organisations hold (WIRE §2.11.5, holder API).

Order matters: matching takes the first credential that fits (WIRE §2.15), so credentials keep the order in which they came.
A credential is kept exactly as received, sealed (``credential_seal.py``), and handed on unchanged. It has to be about one of the
organisation's DIDs; whether it is *true* is checked by whoever relies on it.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from credentials.errors import MalformedError
from credentials.vc.credential import SignedCredential
from node.identity.credential_seal import CredentialSeal
from node.identity.errors import CredentialConflictError, ForeignCredentialError, UnknownCredentialError
from node.identity.subjects import Subjects
from node.ports import Clock
from node.storage.database import Database
from node.storage.schema import issued_credentials, wallet

MAX_ID = 1_024
"""Characters of a credential's id or issuer that we store."""

MAX_CREDENTIALS = 1_000
"""Credentials one organisation holds; each one is tried against each presentation definition."""

RECENT_SECONDS = 5.0
"""How long a wallet is presented from without looking again: changes made here show at once, those of another replica then."""

MAX_RECENT = 64
"""Wallets remembered so."""

MAX_PARSED = 2_000
"""Credentials kept parsed: every token request asks for all of a wallet, and reading them costs more than choosing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One credential in a wallet, expired or not.

    Attributes:
        credential: parsed, **not** verified.
        loaded_at: when it was put in, milliseconds since 1970.
        revoked_at: when this node revoked it, milliseconds since 1970; ``None`` also when somebody else may have.
    """

    credential: SignedCredential
    loaded_at: int
    revoked_at: int | None = None


class Wallet:
    """Holds credentials.

    Args:
        database: with the table ``wallet``.
        subjects: whose wallets these are.
        clock: decides what has expired.
        seal: for the purpose "wallet".
    """

    def __init__(self, database: Database, subjects: Subjects, clock: Clock, seal: CredentialSeal) -> None:
        self._database = database
        self._subjects = subjects
        self._clock = clock
        self._seal = seal
        self._parsed: OrderedDict[tuple[str, str], tuple[bytes, SignedCredential]] = OrderedDict()
        self._recent: OrderedDict[str, tuple[float, tuple[Held, ...]]] = OrderedDict()
        self._changes = 0

    async def credentials(self, subject: str) -> tuple[SignedCredential, ...]:
        """Return what ``subject`` can present now: credentials in order that have not expired and that we did not revoke.

        Raises:
            UnknownSubjectError: no such subject.
        """
        now = self._clock.now()
        held = await self._held(subject)
        return tuple(
            one.credential
            for one in held
            if one.revoked_at is None and (one.credential.expires_at is None or now < one.credential.expires_at)
        )

    def changed(self) -> None:
        """Look again before anything is presented: a credential came, went, or was revoked here."""
        self._changes += 1
        self._recent.clear()

    async def _held(self, subject: str) -> tuple[Held, ...]:
        await self._subjects.get(subject)
        until, held = self._recent.get(subject, (0.0, ()))
        if self._clock.monotonic() < until:
            return held
        began, until = self._changes, self._clock.monotonic() + RECENT_SECONDS
        held = await self.list(subject)
        if began == self._changes:  # what changed while it was read may not be in it
            self._recent[subject] = until, held
            while len(self._recent) > MAX_RECENT:
                self._recent.popitem(last=False)
        return held

    async def list(self, subject: str) -> tuple[Held, ...]:
        """Return everything ``subject`` holds, in order.

        Raises:
            UnknownSubjectError: no such subject.
            SealError: a row was changed, or comes from another place.
        """
        await self._subjects.get(subject)
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(wallet.c.credential_id, wallet.c.sealed, wallet.c.loaded_at, issued_credentials.c.revoked_at)
                .join_from(
                    wallet,
                    issued_credentials,
                    wallet.c.credential_id == issued_credentials.c.credential_id,
                    isouter=True,
                )
                .where(wallet.c.subject == subject)
                .order_by(wallet.c.position, wallet.c.credential_id)
            )
            found = rows.all()
        return tuple(
            Held(credential=self._read(subject, name, bytes(sealed)), loaded_at=at, revoked_at=revoked)
            for name, sealed, at, revoked in found
        )

    async def holds(self, subject: str, credential_id: str) -> bool:
        """Tell whether a credential is in the wallet of ``subject``."""
        name = self._seal.name_of(credential_id)
        async with self._database.reading() as connection:
            found = await connection.scalar(
                select(wallet.c.position).where(wallet.c.subject == subject, wallet.c.credential_id == name)
            )
        return found is not None

    async def load(self, subject: str, raw: str | Mapping[str, Any], now: datetime) -> SignedCredential:
        """Put a credential in the wallet; the same one again changes nothing.

        Args:
            subject: who holds it.
            raw: compact JWT, or JSON-LD as parsed.
            now: when.

        Raises:
            UnknownSubjectError: no such subject.
            MalformedError: not a credential, or its id is too long to keep.
            ForeignCredentialError: it is about somebody else.
            CredentialConflictError: another one with this id is there.
        """
        # (1) a credential that we can tell apart from others, (2) about us
        credential = await self._own(subject, raw)
        text, name = _keep(raw), self._seal.name_of(credential.id or "")
        async with self._database.transaction() as connection:
            # (3) not another one under a known id
            known = await connection.scalar(
                select(wallet.c.sealed).where(wallet.c.subject == subject, wallet.c.credential_id == name)
            )
            if known is not None:
                if _same(self._seal.unseal(bytes(known), subject, name), text):
                    return credential
                raise CredentialConflictError
            # (4) room for it
            count, last = (
                await connection.execute(
                    select(func.count(), func.max(wallet.c.position)).where(wallet.c.subject == subject)
                )
            ).one()
            if count >= MAX_CREDENTIALS:
                raise MalformedError(f"the wallet holds {MAX_CREDENTIALS} credentials already")
            await connection.execute(
                insert(wallet).values(
                    subject=subject,
                    position=0 if last is None else last + 1,
                    **self._columns(subject, credential, text, now),
                )
            )
        self.changed()
        return credential

    async def replace(self, subject: str, credential_id: str, raw: str | Mapping[str, Any], now: datetime) -> None:
        """Put a credential in the place of another, so that matching finds it where the other was.

        Args:
            subject: who holds it.
            credential_id: of the one that goes.
            raw: the one that comes.
            now: when.

        Raises:
            UnknownSubjectError: no such subject.
            UnknownCredentialError: the one that goes is not there.
            MalformedError, ForeignCredentialError: as for :meth:`load`.
        """
        credential = await self._own(subject, raw)
        async with self._database.transaction() as connection:
            changed = await connection.execute(
                update(wallet)
                .where(wallet.c.subject == subject, wallet.c.credential_id == self._seal.name_of(credential_id))
                .values(**self._columns(subject, credential, _keep(raw), now))
            )
        self.changed()
        if changed.rowcount == 0:
            raise UnknownCredentialError

    async def remove(self, subject: str, credential_id: str) -> None:
        """Take a credential out.

        Raises:
            UnknownSubjectError: no such subject.
            UnknownCredentialError: no such credential.
        """
        await self._subjects.get(subject)
        async with self._database.transaction() as connection:
            gone = await connection.execute(
                delete(wallet).where(
                    wallet.c.subject == subject, wallet.c.credential_id == self._seal.name_of(credential_id)
                )
            )
        self.changed()
        if gone.rowcount == 0:
            raise UnknownCredentialError

    async def _own(self, subject: str, raw: str | Mapping[str, Any]) -> SignedCredential:
        """Read a credential and check that it has an id to keep it by and is about ``subject``."""
        owner = await self._subjects.get(subject)
        credential = SignedCredential.parse(raw)
        if not credential.id or len(credential.id) > MAX_ID or len(credential.issuer) > MAX_ID:
            raise MalformedError("the credential has no id, or its id or issuer is too long")
        if credential.subject_id not in owner.dids:
            raise ForeignCredentialError
        return credential

    def _read(self, subject: str, name: str, sealed: bytes) -> SignedCredential:
        """Open and read a row, once: what is remembered is remembered of this row, as it is now."""
        known = self._parsed.get((subject, name))
        if known is not None and known[0] == sealed:
            self._parsed.move_to_end((subject, name))
            return known[1]
        credential = _restore(self._seal.unseal(sealed, subject, name))
        self._parsed[subject, name] = sealed, credential
        self._parsed.move_to_end((subject, name))
        while len(self._parsed) > MAX_PARSED:
            self._parsed.popitem(last=False)
        return credential

    def _columns(self, subject: str, credential: SignedCredential, text: str, now: datetime) -> dict[str, Any]:
        """What is stored of a credential, beside whose it is and its place in the order."""
        expires_at = credential.expires_at
        name = self._seal.name_of(credential.id or "")
        return {
            "credential_id": name,
            "sealed": self._seal.seal(text, subject, name),
            "issuer": credential.issuer,
            "types_json": json.dumps(list(credential.types)),
            "expires_at": None if expires_at is None else int(expires_at.timestamp() * 1000),
            "loaded_at": int(now.timestamp() * 1000),
        }


def _keep(raw: str | Mapping[str, Any]) -> str:
    """Return the text that is stored: a JWT as it is, JSON-LD with its members in the order received."""
    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, separators=(",", ":"))


def _restore(text: str) -> SignedCredential:
    """Undo :func:`_keep`; a JWT never starts with a brace."""
    return SignedCredential.parse(json.loads(text) if text.startswith("{") else text)


def _same(known: str, offered: str) -> bool:
    """Tell whether two stored texts are one credential; members of JSON-LD may come in another order."""
    if known == offered:
        return True
    if not (known.startswith("{") and offered.startswith("{")):
        return False
    same: bool = json.loads(known) == json.loads(offered)
    return same
