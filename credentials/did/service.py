"""Services in a DID document: where a party can be reached, and the id that nuts-node gives them (WIRE §2.2).

A service's id is its DID with base58 of the SHA-256 of its content, so equal services have equal ids in every document of a
subject. The content is hashed as nuts-node writes it: members in order, an empty ``id``, ``<``, ``>`` and ``&`` escaped.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from credentials.did.base58 import base58_encode
from credentials.did.identifier import DID
from credentials.errors import MalformedError

MAX_TYPE_LENGTH: Final = 256
"""Longest type of a service, in characters."""
MAX_ENDPOINT_BYTES: Final = 16_384
"""Largest endpoint, in bytes of its JSON."""

_AS_NUTS_NODE: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a document says about one service; the same in every document of a subject.

    Attributes:
        type: what is offered.
        endpoint_json: text, object or array, as JSON.
    """

    type: str
    endpoint_json: str

    @classmethod
    def of(cls, kind: object, endpoint: object) -> Self:
        """Check a type and an endpoint as they came in JSON.

        Raises:
            MalformedError: one of them can not stand in a document.
        """
        if not isinstance(kind, str) or not 0 < len(kind) <= MAX_TYPE_LENGTH or not kind.isprintable():
            raise MalformedError(f"service: type is not a text of 1 to {MAX_TYPE_LENGTH} printable characters")
        if not isinstance(endpoint, str | dict | list) or not endpoint:
            raise MalformedError("service: serviceEndpoint is not a text, object or array with content")
        text = json.dumps(endpoint, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        if len(text.encode()) > MAX_ENDPOINT_BYTES:
            raise MalformedError(f"service: serviceEndpoint is larger than {MAX_ENDPOINT_BYTES} bytes")
        return cls(type=kind, endpoint_json=text)

    @property
    def endpoint(self) -> Any:
        """Where it is: text, object or array."""
        return json.loads(self.endpoint_json)

    @property
    def fragment(self) -> str:
        """The part of its id behind ``#``."""
        content = {"id": "", "serviceEndpoint": self.endpoint, "type": self.type}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return base58_encode(hashlib.sha256(text.translate(_AS_NUTS_NODE).encode()).digest())

    def to_json(self, did: DID) -> Mapping[str, Any]:
        """The entry of ``service`` in the document of ``did``."""
        return {"id": f"{did}#{self.fragment}", "type": self.type, "serviceEndpoint": self.endpoint}
