"""A peer's request as it came in, and what goes back. Nothing in it is believed, and nothing of it reaches the server behind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from credentials.encoding import b64url_decode
from credentials.errors import CredentialError
from node.exchange.interaction import Interaction, NotAllowedError
from node.exchange.question import MAX_REASON_BYTES
from node.ports import Room
from node.usecases.model import FhirVersion

MAX_PURPOSE = 32
"""Characters of ``Purpose-Of-Use``; the longest code of HL7 v3 ActReason has 14."""

_ETAG = re.compile(r'W/"[A-Za-z0-9.\-]{1,64}"\Z')
_METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as it came in.

    Attributes:
        path: behind the FHIR base, percent-encoding as received.
        url: as the peer addressed it: public URL and path, for the proof.
        authorization: every ``Authorization`` header that was sent; likewise ``proof``, ``purpose`` and ``break_glass``.
        unreadable: why the body could not be read at all, a stable code; ``None`` when it was.
        if_none_match: every ``If-None-Match`` header; likewise ``if_match``.
        room: memory for the answer; given back by who sends it.
        received: monotonic seconds.
    """

    version: FhirVersion
    method: str
    path: str
    query: str
    content_type: str | None
    body: bytes = field(repr=False)
    url: str
    authorization: tuple[str, ...] = field(repr=False)
    proof: tuple[str, ...] = field(repr=False)
    purpose: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = field(default=(), repr=False)
    if_none_match: tuple[str, ...] = ()
    if_match: tuple[str, ...] = ()
    room: Room | None = field(default=None, repr=False)
    unreadable: str | None = None
    address: str | None = None
    received: float

    @property
    def label(self) -> str:
        """What the record says of a request that was not understood; holds nothing that the peer wrote."""
        return f"{self.method if self.method in _METHODS else 'unknown method'} not understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back: FHIR JSON, whole, or nothing where the peer has it already (304)."""

    status: int = 200
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the asker says beside the request itself (LANDSCAPE §6.6).

    Attributes:
        purpose: code; ``None`` when nothing was said.
        emergency: reason for breaking the glass; ``None`` when it is not.
        if_match: the version that a write changes, ``W/"…"``; ``None`` when none is named.
    """

    purpose: str | None = None
    emergency: str | None = field(default=None, repr=False)
    if_match: str | None = None


def read_interaction(incoming: Incoming) -> Interaction:
    """Return what is asked, whole.

    Raises:
        NotAllowedError: not understood, or never allowed.
    """
    if incoming.unreadable is not None:
        raise NotAllowedError(incoming.unreadable, "the body could not be read")
    return Interaction.parse(
        incoming.method,
        incoming.path,
        incoming.query,
        incoming.content_type,
        incoming.body,
        fhir_version=incoming.version,
    )


def read_stated(incoming: Incoming) -> Stated:
    """Return what is stated in headers.

    Raises:
        NotAllowedError: a header is there twice, or is not of its form.
    """
    return Stated(
        purpose=_purpose(incoming.purpose),
        emergency=_emergency(incoming.break_glass),
        if_match=_version(incoming.if_match),
    )


def _purpose(values: tuple[str, ...]) -> str | None:
    """Letters only: a number that stood here would get into the record."""
    if not values:
        return None
    code = values[0]
    if len(values) > 1 or len(code) > MAX_PURPOSE or not code.isascii() or not code.isalpha():
        raise NotAllowedError("purpose_malformed", "Purpose-Of-Use is one code")
    return code


def _version(values: tuple[str, ...]) -> str | None:
    if not values:
        return None
    if len(values) > 1 or _ETAG.match(values[0]) is None:
        raise NotAllowedError("if_match_malformed", 'If-Match is one version, W/"…"')
    return values[0]


def _emergency(values: tuple[str, ...]) -> str | None:
    if not values:
        return None
    wrong = NotAllowedError("break_glass_malformed", "Break-The-Glass is one reason, base64url of at most 500 bytes")
    if len(values) > 1:
        raise wrong
    try:
        reason = b64url_decode(values[0])
        text = reason.decode()
    except (CredentialError, UnicodeDecodeError):
        raise wrong from None
    if not 0 < len(reason) <= MAX_REASON_BYTES or not text.strip():
        raise wrong
    return text
