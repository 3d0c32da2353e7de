"""One resource of a directory, as a stranger gave it: read strictly, kept as it came.

The content is kept whole, since mutation signatures cover it; what is looked at is checked here, and nothing else is believed to be
there. No deletes: what is withdrawn has a status that says so (LANDSCAPE §2.1.1), and is not shown.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self, get_args

from credentials.errors import MalformedError

ResourceType = Literal["Organization", "Location", "HealthcareService", "Endpoint", "OrganizationAffiliation"]

LOAD_ORDER: Final[tuple[ResourceType, ...]] = get_args(ResourceType)
"""The order in which types are loaded, so that most references lead somewhere at once (LANDSCAPE §2.1.1)."""

MAX_RESOURCE_BYTES: Final = 262_144
"""Largest resource kept, in bytes; a real one has some 1,500."""

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII
)  # FHIR R4 instant
_WITHDRAWN: Final[Mapping[ResourceType, frozenset[str]]] = {
    "Location": frozenset({"inactive"}),
    "Endpoint": frozenset({"off", "entered-in-error"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource, unverified.

    Attributes:
        version: ``meta.versionId``, empty when the directory gives none.
        last_updated: ``meta.lastUpdated``, aware UTC to the millisecond; None when the directory gives none.
        content: the whole resource as parsed; not to be changed.
    """

    type: ResourceType
    id: str
    version: str
    last_updated: datetime | None
    content: Mapping[str, Any]

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a parsed resource.

        Raises:
            MalformedError: it is not a resource of one of the five types with an id, or it is too large.
        """
        # (1) an object of a type that belongs in a directory
        if not isinstance(value, dict):
            raise MalformedError("a resource is not an object")
        kind = resource_type(value.get("resourceType"))
        if kind is None:
            raise MalformedError("a resource of a type that has no place in a directory")
        # (2) with an id that can stand in an address
        identifier = value.get("id")
        if not isinstance(identifier, str) or not is_id(identifier):
            raise MalformedError(f"{kind} without a usable id")
        # (3) and a version and time, where it has them
        meta = value.get("meta", {})
        if not isinstance(meta, dict):
            raise MalformedError(f"{kind}: meta is not an object")
        version = meta.get("versionId", "")
        if version != "" and not is_id(version):
            raise MalformedError(f"{kind}: versionId is not an id")
        moment = meta.get("lastUpdated")
        return cls(
            type=kind,
            id=identifier,
            version=version,
            last_updated=None if moment is None else parse_instant(moment),
            content=value,
        )

    @property
    def is_withdrawn(self) -> bool:
        """Whether it says of itself that it is not in use any more."""
        return self.content.get("active") is False or self.content.get("status") in _WITHDRAWN.get(self.type, ())

    def to_text(self) -> str:
        """JSON, compact.

        Raises:
            MalformedError: it is larger than :data:`MAX_RESOURCE_BYTES`.
        """
        text = json.dumps(self.content, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) > MAX_RESOURCE_BYTES:
            raise MalformedError(f"{self.type} is larger than {MAX_RESOURCE_BYTES} bytes")
        return text


def resource_type(name: object) -> ResourceType | None:
    """The type of this name; None when it has no place in a directory."""
    return next((each for each in LOAD_ORDER if each == name), None)


def is_id(value: object) -> bool:
    """Whether ``value`` is a FHIR id: 1 to 64 letters, digits, dots and dashes."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def parse_instant(value: object) -> datetime:
    """Read a FHIR instant, which has a time zone; kept to the millisecond.

    Raises:
        MalformedError: it is none.
    """
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise MalformedError("not an instant")
    fraction = (match[2] or "0")[:3].ljust(3, "0")
    try:
        return datetime.fromisoformat(f"{match[1]}.{fraction}{match[3].replace('Z', '+00:00')}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedError("not an instant") from None


def format_instant(moment: datetime) -> str:
    """Write a FHIR instant in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
