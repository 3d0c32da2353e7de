"""Definition of a discovery service: one JSON file that every participant has (WIRE §2.10).

The file is the same as nuts-node's. Members we don't know are ignored and kept, because the file is handed on as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import urlsplit

from credentials.errors import MalformedError
from credentials.fields import Fields
from credentials.query.definition import PresentationDefinition

MAX_SERVICE_BYTES: Final = 131_072
"""Bytes of one definition file; twice the largest presentation definition."""
MAX_SERVICE_VALIDITY: Final = timedelta(days=366)
"""Longest validity a service may allow; beyond a year a lost organisation would stay listed."""

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
    """

    id: str
    endpoint: str
    presentation_max_validity: timedelta
    did_methods: tuple[str, ...]
    presentation_definition: PresentationDefinition
    raw: Mapping[str, Any]

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
        # (4) who may register, and with what
        return cls(
            id=identifier,
            endpoint=endpoint,
            presentation_max_validity=timedelta(seconds=seconds),
            did_methods=fields.optional_texts("did_methods"),
            presentation_definition=PresentationDefinition.parse(fields.child("presentation_definition").value),
            raw=fields.value,
        )


def _is_web_address(text: str) -> bool:
    """Whether it can be called; that it is https in earnest is checked where connections are made."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"https", "http"} and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False
