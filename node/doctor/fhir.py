"""What its FHIR servers say they are. `/metadata` is asked for without a token, as it may be (FHIR R4 §3.1.0.1)."""

import asyncio
from collections.abc import Collection
from http import HTTPStatus

from credentials.errors import MalformedError
from node.doctor.capability import MAX_STATEMENT, Capability
from node.doctor.finding import Finding, failed, ok, warning
from node.ports import HttpClient, HttpRequest, PeerError
from node.usecases.vocabulary import FhirVersion

JSON_TYPES = ("application/fhir+json", "application/json", "application/json+fhir")
_CLOSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class NoCapabilityError(Exception):
    """A FHIR server says nothing about itself.

    Attributes:
        code: why: a code of :class:`~node.ports.PeerError`, ``closed``, ``status`` or ``malformed``.
        status: of its answer, 0 without one.
    """

    def __init__(self, code: str, status: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


async def read_capability(peers: HttpClient, base: str, *, timeout: float) -> Capability:
    """Fetch and read what the server at ``base`` says of itself.

    Raises:
        NoCapabilityError: nothing that can be used.
    """
    request = HttpRequest(
        method="GET",
        url=f"{base}/metadata",
        headers={"Accept": "application/fhir+json"},
        max_bytes=MAX_STATEMENT,
        timeout=timeout,
    )
    try:
        answer = await peers.send(request)
    except PeerError as error:
        raise NoCapabilityError(error.code) from error
    if answer.status in _CLOSED:
        raise NoCapabilityError("closed", answer.status)
    if answer.status != HTTPStatus.OK or answer.media_type not in JSON_TYPES:
        raise NoCapabilityError("status", answer.status)
    try:
        return await asyncio.to_thread(Capability.parse, answer.body)  # a large one takes a tenth of a second
    except MalformedError as error:
        raise NoCapabilityError("malformed", answer.status) from error


async def look_at_fhir(
    peers: HttpClient, base: str, version: FhirVersion, needed: Collection[str], *, timeout: float
) -> Finding:
    """Compare what the server at ``base`` says with its registration, and with what would be asked of it.

    Args:
        peers: reaches other organisations.
        base: its address.
        version: as registered.
        needed: types of resources that our use cases ask for.
        timeout: seconds.
    """
    try:
        said = await read_capability(peers, base, timeout=timeout)
    except NoCapabilityError as error:
        return _without(error, base)
    if said.version != version:
        return failed(
            "fhir",
            "other_version",
            f"it is registered as {version}, and says that it is {said.version or 'another FHIR'}",
            "the other side has to mend its registration: addresses are registered per FHIR version",
            about=base,
        )
    missing = sorted(set(needed) - said.types)
    if missing:
        return warning(
            "fhir",
            "missing_types",
            f"it does not say that it has {', '.join(missing)}, which our use cases ask for",
            "those steps will come back as not_offered; ask the other side",
            about=base,
            missing=missing,
        )
    return ok("fhir", f"FHIR {version} with all that our use cases ask for", about=base)


def _without(error: NoCapabilityError, base: str) -> Finding:
    match error.code:
        case "closed":
            return warning(
                "fhir",
                "closed",
                "its /metadata wants a token, so what it offers is not known in advance",
                "it may be: queries are sent with a token; the other side should let /metadata be read",
                about=base,
            )
        case "status":
            return failed(
                "fhir",
                "no_statement",
                f"its /metadata is no FHIR (status {error.status})",
                "the other side has to look at the address that it registered, and at its server behind it",
                about=base,
                status=error.status,
            )
        case "malformed":
            return failed(
                "fhir", "malformed", "its /metadata can not be read", "the other side has to mend it", about=base
            )
        case code:
            return failed(
                "fhir",
                code,
                f"its FHIR server gives no answer: {code}",
                "is it running, and the address in its registration right?",
                about=base,
            )
