"""References between resources, and the names that resources have in the replica.

Two directories may both have an ``Organization/1``. A *source* is one directory; what comes from it gets a local id that begins with
the key of the source, a digest of its address, so that an absolute reference to a directory we have not met yet already has its final
form. With one national directory (VWS) the key is empty: everything keeps the id that it has there.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry.mcsd.resource import ResourceType, is_id, resource_type

MAX_ID: Final = 64
_KEY_LENGTH: Final = 10

_LOCAL = re.compile(r"([A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A directory that is followed.

    Attributes:
        key: what local ids of its resources begin with; empty when it is the only one.
        url: FHIR base URL, without a slash at the end.
    """

    key: str
    url: str

    @classmethod
    def only(cls, url: str) -> "Source":
        """The one national directory: its ids are ours."""
        return cls(key="", url=url.rstrip("/"))

    @classmethod
    def one_of_many(cls, url: str) -> "Source":
        """One directory among several."""
        return cls(key=source_key(url), url=url.rstrip("/"))

    def local_id(self, identifier: str) -> str:
        """What the resource with this id is called in the replica."""
        return local_id(self.key, identifier)

    def local_reference(self, reference: object) -> str | None:
        """``Type/id`` in the replica of what a literal reference in a resource of this source leads to.

        Returns:
            None when it is no reference to one of the five types: a fragment, a logical reference, another type.
        """
        # (1) to another resource of this source
        if not isinstance(reference, str):
            return None
        found = _split(reference)
        if found is not None:
            return f"{found[0]}/{self.local_id(found[1])}"
        # (2) by its whole address, here or at another directory
        base, slash, rest = reference.rpartition("/_history/")
        parts = (base if slash and is_id(rest) else reference).rsplit("/", 2)
        if len(parts) != 3 or not parts[0].startswith(("https://", "http://")):  # noqa: PLR2004  # base, type, id
            return None
        kind = resource_type(parts[1])
        if kind is None or not is_id(parts[2]):
            return None
        if parts[0] == self.url:
            return f"{kind}/{self.local_id(parts[2])}"
        if not self.key:
            return None  # one directory only: other addresses lead out of it
        return f"{kind}/{local_id(source_key(parts[0]), parts[2])}"

    def localised(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """A resource of this source as the replica shows it: with local id and references, saying where it is from."""
        if not self.key:
            return dict(content)
        shown: dict[str, Any] = self._with_local_references(content)
        meta = content.get("meta")
        address = f"{self.url}/{content['resourceType']}/{content['id']}"
        return {
            **shown,
            "id": self.local_id(content["id"]),
            "meta": {**(meta if isinstance(meta, dict) else {}), "source": address},
        }

    def _with_local_references(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            changed = {name: self._with_local_references(each) for name, each in value.items()}
            local = self.local_reference(value.get("reference"))
            return changed if local is None else {**changed, "reference": local}
        if isinstance(value, list):
            return [self._with_local_references(each) for each in value]
        return value


def source_key(url: str) -> str:
    """The key of the directory at this base URL."""
    return hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:_KEY_LENGTH]


def local_id(key: str, identifier: str) -> str:
    """The id in the replica of a resource, at most 64 characters."""
    if not key:
        return identifier
    named = f"{key}-{identifier}"
    return named if len(named) <= MAX_ID else f"{key}-{hashlib.sha256(identifier.encode()).hexdigest()[:40]}"


def _split(reference: str) -> tuple[ResourceType, str] | None:
    match = _LOCAL.fullmatch(reference)
    kind = resource_type(match[1]) if match is not None else None
    return None if match is None or kind is None else (kind, match[2])
