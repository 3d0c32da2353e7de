"""The presentation definitions of a use case: JSON as in nuts-node's policy files, trust anchors still open as ``{{name}}``."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

WALLET_OWNERS = frozenset({"organization", "service_provider", "user"})
"""Whose wallet a definition is for (WIRE §2.6)."""

_ANCHOR = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_FINGERPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")
"""SHA-256 in base64url, as in a did:x509."""


def anchors_of(text: str) -> frozenset[str]:
    """Return the names of the trust anchors that ``text`` leaves open."""
    return frozenset(_ANCHOR.findall(text))


def fill_trust_anchors(text: str, anchors: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the definitions by wallet owner, with the operator's trust anchors in place.

    Args:
        text: as in the file.
        anchors: name -> SHA-256 fingerprints of root certificates, base64url without padding (43 characters).

    Raises:
        ValueError: an anchor is missing, empty, or not a fingerprint.
    """

    def alternatives(found: re.Match[str]) -> str:
        fingerprints = anchors.get(found.group(1), ())
        if not fingerprints:
            raise ValueError(f"trust_anchors.{found.group(1)} is not set")
        for fingerprint in fingerprints:
            if _FINGERPRINT.match(fingerprint) is None:
                raise ValueError(f"trust_anchors.{found.group(1)} holds something that is not a SHA-256 in base64url")
        return "|".join(fingerprints)

    definitions: dict[str, Any] = json.loads(_ANCHOR.sub(alternatives, text))
    return definitions


def read_once(text: str) -> Any:
    """Return what a JSON text says; a member that stands there twice is an error.

    Raises:
        ValueError: not JSON, or a member twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a member stands there twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError("is not JSON") from error


def check_definitions(text: str) -> None:
    """Check the outer shape; ``credentials.query`` parses the definitions themselves once the anchors are filled.

    Raises:
        ValueError: not an object with a definition for at least one owner.
    """
    try:
        value = read_once(text)
    except ValueError as error:
        raise ValueError(f"presentation_definitions: {error}") from error
    if not isinstance(value, dict) or not value or not set(value) <= WALLET_OWNERS:
        raise ValueError("presentation_definitions must be an object with organization, service_provider or user")
    if not all(isinstance(definition, dict) and definition.get("id") for definition in value.values()):
        raise ValueError("presentation_definitions: every definition is an object with an id")
