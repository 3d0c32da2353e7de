"""What the other side publishes: metadata, client metadata, DID documents. Fetched anew, never from memory."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from credentials.did.did_web import document_url
from credentials.did.document import DIDDocument
from credentials.did.identifier import DID, did_method
from credentials.errors import CredentialError, MalformedError
from credentials.fields import Fields
from node.doctor.finding import Finding, failed, ok, skipped, warning
from node.doctor.kind import Kind, kind_of
from node.identity.resolver import MEDIA_TYPES
from node.oauth.messages import MAX_REPLY
from node.oauth.metadata import metadata_urls
from node.oauth.peer_metadata import ServerMetadata
from node.oauth.presenting import FORMS
from node.ports import HttpClient, HttpRequest, HttpResponse, PeerError

CLOCK_SECONDS = 5
"""Between two clocks, beyond which presentations, which live for five seconds, are refused."""

CLOCK_NOTICE = 2
"""Seconds from which it is told; a Date header has whole ones."""

REACH = "see the steps dns and tls; is there a proxy in front of it?"


async def read_metadata(
    peers: HttpClient, issuer: str, now: datetime
) -> tuple[ServerMetadata | None, tuple[str, ...], list[Finding]]:
    """Fetch the metadata of ``issuer`` from where RFC 8414 puts it, else from the appended address.

    Returns:
        The metadata, with which algorithms proofs may be signed, and what was found about them and the other side's clock.
    """
    at, answer = "", None
    for url in metadata_urls(issuer):
        try:
            answer, at = await _get(peers, url, "application/json"), url
        except PeerError as error:
            return None, (), [failed("metadata", error.code, f"no whole answer: {error.code}", REACH)]
        if answer.status == HTTPStatus.OK and answer.media_type == "application/json":
            break
    assert answer is not None
    clock = _clock(answer, now)
    if answer.status != HTTPStatus.OK or answer.media_type != "application/json":
        return (
            None,
            (),
            [
                *clock,
                failed(
                    "metadata",
                    "not_published",
                    f"there is no metadata at either address of this issuer (status {answer.status})",
                    "check the issuer, its registration states it; a proxy in front of the other node has to let both paths through",
                    status=answer.status,
                ),
            ],
        )
    try:
        metadata = ServerMetadata.parse(issuer, answer.body)
        algorithms = Fields.from_json(answer.body, max_bytes=MAX_REPLY, what="metadata").optional_texts(
            "dpop_signing_alg_values_supported"
        )
    except MalformedError as error:
        return (
            None,
            (),
            [
                *clock,
                failed(
                    "metadata",
                    "malformed",
                    f"it can not be used: {error}",
                    "the other side has to mend it; it is made from its public URL",
                ),
            ],
        )
    is_appended = at == metadata_urls(issuer)[1] and at != metadata_urls(issuer)[0]
    return metadata, algorithms, [*clock, _judged(metadata, is_appended=is_appended)]


def _judged(metadata: ServerMetadata, *, is_appended: bool) -> Finding:
    facts: dict[str, Any] = {
        "grants": metadata.grant_types,
        "formats": sorted(metadata.vp_formats),
        "did_methods": metadata.did_methods,
        "publishes_definitions": metadata.presentation_definition_endpoint is not None,
    }
    if metadata.vp_formats and not set(FORMS) & set(metadata.vp_formats):
        return failed(
            "metadata",
            "no_shared_format",
            "it takes no presentation in a form that we make",
            f"the other side has to take one of {', '.join(FORMS)}",
            **facts,
        )
    if is_appended:
        return warning(
            "metadata",
            "appended_only",
            "it is at the appended address only",
            "a nuts-node of version 6.2 does not find it: the other side should let the path of RFC 8414 through too",
            **facts,
        )
    return ok("metadata", "its authorization server says what it takes", **facts)


def _clock(answer: HttpResponse, now: datetime) -> list[Finding]:
    """Compare clocks; an answer from a cache says nothing about them."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        away = round((theirs - now).total_seconds())
    except (TypeError, ValueError):
        return []
    if "age" in answer.headers or abs(away) < CLOCK_NOTICE:
        return []
    side = "ahead of" if away > 0 else "behind"
    detail = f"its clock is {abs(away)} s {side} ours"
    remedy = "is time synchronised on both machines (NTP)?"
    if abs(away) > CLOCK_SECONDS:
        return [failed("clock", "clock", detail, f"{remedy} presentations live for five seconds", seconds=away)]
    return [warning("clock", "clock", detail, remedy, seconds=away)]


async def read_kind(peers: HttpClient, issuer: str, algorithms: tuple[str, ...]) -> tuple[Kind, Finding]:
    """Fetch the client metadata of ``issuer``, and tell what kind of node it is."""
    try:
        answer = await _get(peers, f"{issuer}/oauth-client", "application/json")
        body = answer.body if answer.status == HTTPStatus.OK else None
    except PeerError:
        body = None
    kind = kind_of(body, algorithms)
    return kind, ok(
        "kind", f"it is {kind.sentence}", software=kind.software, version=kind.version, dialect=kind.dialect
    )


async def read_did_document(peers: HttpClient, did: DID) -> Finding:
    """Fetch the document of a DID, and look whether it has keys to verify with."""
    if did_method(did) != "web":
        return ok("did", f"a did:{did_method(did)} is its own document", about=did)
    try:
        answer = await _get(peers, document_url(did), ", ".join(MEDIA_TYPES))
    except PeerError as error:
        return failed("did", error.code, f"its DID document can not be had: {error.code}", REACH, about=did)
    except CredentialError:
        return failed("did", "bad_did", "its DID names no address", "the other side has to register anew", about=did)
    if answer.status != HTTPStatus.OK or answer.media_type not in MEDIA_TYPES:
        return failed(
            "did",
            "not_published",
            f"there is no DID document at its address (status {answer.status})",
            "the other side has to publish it: a proxy in front of its node has to let the path through",
            about=did,
            status=answer.status,
        )
    try:
        document = DIDDocument.parse(answer.body, did)
    except MalformedError as error:
        return failed("did", "malformed", f"it can not be used: {error}", "the other side has to mend it", about=did)
    if not document.assertion_keys:
        return failed(
            "did",
            "no_keys",
            "its DID document has no key that it may sign with: it was deactivated, or all keys are of kinds that we do not know",
            "the other side has to make a key, and to register anew",
            about=did,
        )
    return ok(
        "did", f"it has {len(document.assertion_keys)} keys to sign with", about=did, keys=len(document.assertion_keys)
    )


def unknown_did() -> Finding:
    """Nobody says which DID is behind this issuer."""
    return skipped("did", "not_registered", "which DID it has is known from its registration only")


async def _get(peers: HttpClient, url: str, accept: str) -> HttpResponse:
    return await peers.send(HttpRequest(method="GET", url=url, headers={"Accept": accept, "Cache-Control": "no-cache"}))
