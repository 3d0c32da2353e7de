"""DIDs to public keys: our own database first, then the web (WIRE §2.2, resolution rules).

The names in a did:web are the peer's choice, so every fetch goes through the outbound client and its address check. A did:key and a
did:jwk are their key and cost no fetch; a did:x509 carries its certificates with it (``credentials/did/did_x509.py``).

A document is kept within its ``Cache-Control`` and 300 s. A peer that has just rotated its key must not wait that long: when a
caller names the key it wants and the document in memory lacks it, the document is fetched again at once, past the caches in
between, and then not within 5 s.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from credentials.did.did_jwk import resolve_did_jwk
from credentials.did.did_key import resolve_did_key
from credentials.did.did_web import document_url, web_did
from credentials.did.document import MAX_DOCUMENT_BYTES, RELATIONSHIPS, DIDDocument, build_document
from credentials.did.identifier import DID, did_method
from credentials.errors import CredentialError, UnavailableError, UntrustedError
from credentials.fields import parse_json
from credentials.keys import KeyId, PublicKey
from node.identity.published import NotPublishedError, Published
from node.identity.subjects import Subjects
from node.ports import Clock, HttpClient, PeerError

logger = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds for one did.json (WIRE §4.4)."""

MEDIA_TYPES = ("application/json", "application/did+json", "application/did+ld+json")
"""Content types of a DID document (WIRE §2.2)."""

SELF_CONTAINED: Mapping[str, Callable[[DID], Mapping[KeyId, PublicKey]]] = {
    "key": resolve_did_key,
    "jwk": resolve_did_jwk,
}
"""Methods whose identifiers are keys."""

MAX_DIDS = 16
"""DIDs in one question; a message that needs more is refused before anything is fetched."""


class DidResolver:
    """Finds the keys of DIDs; implements ``node.verification.verifier.Resolver``.

    Args:
        subjects: our own DIDs are never fetched over the network.
        peers: reaches other organisations.
        clock: for the age of what is in memory.
        public_url: our own address; DIDs below it that we do not know exist nowhere else either.
    """

    def __init__(self, subjects: Subjects, peers: HttpClient, clock: Clock, public_url: str) -> None:
        self._subjects = subjects
        self._clock = clock
        self._own_prefix = web_did(public_url.rstrip("/"), "x").removesuffix("x")
        self._documents: Published[Mapping[KeyId, PublicKey]] = Published(
            peers, clock, _assertion_keys, media_types=MEDIA_TYPES, timeout=TIMEOUT, locate=_document_url
        )
        # Whole documents are asked for by people, seldom, and are large: they are not kept.
        self._whole: Published[dict[str, Any]] = Published(
            peers, clock, _whole_document, media_types=MEDIA_TYPES, timeout=TIMEOUT, locate=_document_url, keep=0
        )

    async def keys(self, dids: Iterable[DID], *, wanted: Iterable[str] = ()) -> Mapping[KeyId, PublicKey]:
        """Return the assertion keys of all of ``dids``, by absolute key id.

        Args:
            dids: did:web, did:key and did:jwk identifiers.
            wanted: key ids the caller needs; see the module docstring.

        Raises:
            UntrustedError: too many DIDs, or one of them can not be resolved; the message names it.
        """
        unique = sorted(set(dids))
        if len(unique) > MAX_DIDS:
            raise UntrustedError(f"more than {MAX_DIDS} DIDs in one message")
        kids = frozenset(wanted)
        questions = [self._keys_of(did, {KeyId(kid) for kid in kids if kid.startswith(f"{did}#")}) for did in unique]
        if len(questions) == 1:  # mostly; a task for it would cost more than the answer
            return dict(await questions[0])
        found = await asyncio.gather(*questions)
        return {kid: key for keys in found for kid, key in keys.items()}

    async def seen(self, did: DID, within: float) -> tuple[frozenset[KeyId], float]:
        """Return the keys in the document of ``did`` less than ``within`` seconds ago, and when that was (``monotonic``).

        None are in one that is gone: 404 or 410, or a subject of ours that was deactivated.

        Raises:
            UnavailableError: it can not be had.
        """
        own = await self._subjects.keys(did)
        if own or did.startswith(self._own_prefix):
            return frozenset(kid for kid, _ in own), self._clock.monotonic()
        try:
            keys, at = await self._documents.recent(did, within=within)
        except NotPublishedError as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                return frozenset(), self._clock.monotonic()
            raise UnavailableError(f"{did}: can not be resolved") from error
        except (PeerError, CredentialError) as error:
            raise UnavailableError(f"{did}: can not be resolved") from error
        return frozenset(keys), at

    async def document(self, did: DID) -> dict[str, Any]:
        """Return the whole DID document, as it is published.

        What it says beyond the keys that :meth:`keys` returns is somebody's word, and nothing here relies on it.

        Raises:
            UntrustedError: it can not be resolved.
        """
        method = did_method(did)
        if method in SELF_CONTAINED:
            keys = await self.keys([did])
            relationships = ("assertionMethod",) if method == "jwk" else (*RELATIONSHIPS, "keyAgreement")
            return build_document(did, tuple(keys.items()), relationships=relationships)
        own = await self._subjects.document(did)
        if own is not None:
            return own
        if method != "web" or did.startswith(self._own_prefix):
            raise UntrustedError(f"{did}: can not be resolved")
        try:
            return await self._whole.get(did)
        except (PeerError, NotPublishedError, CredentialError) as error:
            raise UntrustedError(f"{did}: can not be resolved") from error

    async def _keys_of(self, did: DID, wanted: set[KeyId]) -> Mapping[KeyId, PublicKey]:
        method = did_method(did)
        if method in SELF_CONTAINED:
            try:
                return SELF_CONTAINED[method](did)
            except CredentialError as error:
                raise UntrustedError(f"{did}: can not be resolved") from error
        if method != "web":
            raise UntrustedError(f"{did}: this DID method can not be resolved")
        own = await self._subjects.keys(did)
        if own:
            return dict(own)
        if did.startswith(self._own_prefix):
            raise UntrustedError(f"{did}: unknown here")
        try:
            keys = await self._documents.get(did)
            if not wanted <= keys.keys():
                keys = await self._documents.get_again(did, keys)
        except (PeerError, NotPublishedError, CredentialError) as error:
            logger.info("did not resolved", extra={"did": did, "cause": type(error).__name__})
            raise UntrustedError(f"{did}: can not be resolved") from error
        return keys


def _document_url(did: str) -> str:
    return document_url(DID(did))


def _assertion_keys(did: str, body: bytes) -> Mapping[KeyId, PublicKey]:
    """Read the DID document of ``did`` down to the keys that may sign assertions."""
    return DIDDocument.parse(body, DID(did)).assertion_keys


def _whole_document(did: str, body: bytes) -> dict[str, Any]:
    """Read the DID document of ``did`` and return all of it."""
    DIDDocument.parse(body, DID(did))
    document: dict[str, Any] = parse_json(body, max_bytes=MAX_DOCUMENT_BYTES)
    return document
