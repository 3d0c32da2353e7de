"""Credentials with one thing changed, as somebody would who wants to be somebody else."""

import copy
from typing import Any

from credentials.encoding import b64url_decode, b64url_encode

_OTHERS = {"Gouwe": "Guowe", "Hofstede": "Hofsdete"}


def altered_credential(credential: Any) -> Any:
    """Return the same credential, JWT or object, with two letters of the organisation's name swapped."""
    if isinstance(credential, str):
        header, payload, signature = credential.split(".")
        text = _swapped(b64url_decode(payload).decode())
        return ".".join((header, b64url_encode(text.encode()), signature))
    changed = copy.deepcopy(credential)
    subject = changed["credentialSubject"]
    one = subject[0] if isinstance(subject, list) else subject
    one["organization"]["name"] = _swapped(one["organization"]["name"])
    return changed


def _swapped(text: str) -> str:
    for name, other in _OTHERS.items():
        text = text.replace(name, other)
    return text
