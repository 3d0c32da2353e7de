"""DID and DID URL syntax (W3C DID Core §3.1, §3.2), for the identifiers that name parties and their keys."""

import re
from typing import Final, NewType

from credentials.errors import MalformedError

DID = NewType("DID", str)
"""A decentralised identifier without path, query or fragment."""

MAX_DID_LENGTH: Final = 2048
"""Longest DID or key id accepted, in characters; a did:x509 with many policies stays well under it."""

# Possessive: a method-specific id is plain characters with escapes between them, and does not end in a colon.
_DID = re.compile(r"did:[a-z0-9]+:[A-Za-z0-9._:-]*+(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._:-]*+)*+(?<!:)")
_FRAGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+")


def parse_did(text: str) -> DID:
    """Check that ``text`` is a DID, of any method.

    Raises:
        MalformedError: it is not, or it has a path, query or fragment.
    """
    if len(text) > MAX_DID_LENGTH or _DID.fullmatch(text) is None:
        raise MalformedError("not a DID")
    return DID(text)


def did_of_key(kid: str) -> DID:
    """The DID that a key id belongs to: the part before ``#``.

    Raises:
        MalformedError: ``kid`` is not absolute (``<did>#<fragment>``).
    """
    did, separator, fragment = kid.partition("#")
    if not separator or len(kid) > MAX_DID_LENGTH or _FRAGMENT.fullmatch(fragment) is None:
        raise MalformedError("kid is not an absolute key id")
    return parse_did(did)


def did_method(did: str) -> str:
    """The method of a DID: ``web`` of ``did:web:…``."""
    return did.split(":", 2)[1]
