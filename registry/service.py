"""Definition of a discovery service: one JSON file that every participant has (WIRE §2.10).

The file is the same as nuts-node's, which ignores the four members that make a log of it that can't lie: ``log_key``, ``mirrors``,
``witnesses`` and ``witness_quorum``. Members we don't know are ignored and kept, because the file is handed on as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import urlsplit

from credentials.errors import CredentialError, MalformedError
from credentials.fields import Fields
from credentials.query.definition import PresentationDefinition
from registry.transparency.note import COSIGNATURE, ED25519, VerifierKey

MAX_SERVICE_BYTES: Final = 131_072
"""Bytes of one definition file; twice the largest presentation definition."""
MAX_SERVICE_VALIDITY: Final = timedelta(days=366)
"""Longest validity a service may allow; beyond a year a lost organisation would stay listed."""
MAX_MIRRORS: Final = 16
"""Mirrors that a definition may name."""
MAX_WITNESSES: Final = 32
"""Witnesses that a definition may name."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition:
    """A discovery service.

    Attributes:
        id: its name, also the audience of registrations and the last part of its path.
        endpoint: full URL of its log at the host.
        presentation_max_validity: a registration may not be valid for longer, counted from now.
        did_methods: methods of identifiers that may register ("web"); empty is every method.
        presentation_definition: which credentials a registration holds.
        raw: the JSON object as received.
        log_key: signs checkpoints of the log; None is a service that is followed as nuts-node does, on its host's word.
        mirrors: full URLs where a copy is served, in order of preference.
        witnesses: keys whose cosignatures count.
        witness_quorum: how many of them must have seen a tree before it is believed.
    """

    id: str
    endpoint: str
    presentation_max_validity: timedelta
    did_methods: tuple[str, ...]
    presentation_definition: PresentationDefinition
    raw: Mapping[str, Any]
    log_key: VerifierKey | None = None
    mirrors: tuple[str, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    witness_quorum: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the list and its log are to be had: the host, then the mirrors."""
        return (self.endpoint, *self.mirrors)

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a definition file.

        Raises:
            MalformedError: not a definition; the message names the member.
        """
        fields = Fields.from_json(body, max_bytes=MAX_SERVICE_BYTES, what="service definition")
        # (1) a name that is safe in a path
        identifier = fields.text("id")
        if not _ID.fullmatch(identifier):
            raise MalformedError("service definition: id has characters that don't belong in a path")
        # (2) a place
        endpoint = fields.text("endpoint")
        if not _is_web_address(endpoint):
            raise MalformedError("service definition: endpoint is not an http(s) URL without query")
        # (3) a time, in seconds
        seconds = fields.count("presentation_max_validity")
        if not 1 <= seconds <= MAX_SERVICE_VALIDITY // timedelta(seconds=1):
            raise MalformedError("service definition: presentation_max_validity is not between 1 second and a year")
        # (4) who keeps the host honest
        log_key, mirrors, witnesses, quorum = _trust(fields)
        # (5) who may register, and with what
        return cls(
            id=identifier,
            endpoint=endpoint,
            presentation_max_validity=timedelta(seconds=seconds),
            did_methods=fields.optional_texts("did_methods"),
            presentation_definition=PresentationDefinition.parse(fields.child("presentation_definition").value),
            raw=fields.value,
            log_key=log_key,
            mirrors=mirrors,
            witnesses=witnesses,
            witness_quorum=quorum,
        )


def _trust(fields: Fields) -> tuple[VerifierKey | None, tuple[str, ...], tuple[VerifierKey, ...], int]:
    named = fields.optional_text("log_key")
    log_key = None if named is None else _key("log_key", named, ED25519)
    mirrors = fields.optional_texts("mirrors")
    if len(set(mirrors)) != len(mirrors) or len(mirrors) > MAX_MIRRORS or not all(map(_is_web_address, mirrors)):
        raise MalformedError(f"service definition: mirrors are not at most {MAX_MIRRORS} different http(s) URLs")
    witnesses = tuple(_key("witnesses", each, COSIGNATURE) for each in fields.optional_texts("witnesses"))
    if len({each.public for each in witnesses}) != len(witnesses) or len(witnesses) > MAX_WITNESSES:
        raise MalformedError(f"service definition: witnesses are not at most {MAX_WITNESSES} different keys")
    quorum = fields.optional_count("witness_quorum") or 0
    if quorum > len(witnesses):
        raise MalformedError("service definition: witness_quorum asks for more witnesses than there are")
    if log_key is None and (mirrors or witnesses):
        raise MalformedError("service definition: mirrors and witnesses need a log_key to go by")
    return log_key, mirrors, witnesses, quorum


def _key(name: str, text: str, algorithm: int) -> VerifierKey:
    try:
        key = VerifierKey.parse(text)
    except CredentialError as error:
        raise MalformedError(f"service definition: {name}: {error}") from error
    if key.algorithm != algorithm:
        kind = "a log" if algorithm == ED25519 else "a witness"
        raise MalformedError(f"service definition: {name} is not the key of {kind}")
    return key


def _is_web_address(text: str) -> bool:
    """Whether it can be called; that it is https in earnest is checked where connections are made."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False
