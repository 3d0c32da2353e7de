"""What a credential says, in words; and finding the one that somebody means."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from credentials.claims import to_rfc3339
from credentials.errors import CredentialError
from credentials.vc.credential import VC_TYPE, SignedCredential
from node.cli.output import CommandError, pick

MAX_CELL = 56
"""Characters of one cell; ``--json`` has everything."""


def short(text: str) -> str:
    """Return ``text`` as it fits a column: identifiers made of certificates run to hundreds of characters."""
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL // 2]}…{text[-MAX_CELL // 2 + 1 :]}"


def describe(raw: object, *, revoked: object = None, now: datetime | None = None) -> dict[str, Any]:
    """Say what a credential is; the node took it in or issued it, so nothing is verified here again.

    Args:
        raw: as it goes over the wire.
        revoked: when it was revoked, as the node says.
        now: tells whether it has expired.
    """
    try:
        credential = SignedCredential.parse(raw)
    except CredentialError as error:
        return {"type": f"unreadable: {error}", "raw": raw}
    over = now is not None and credential.expires_at is not None and credential.expires_at <= now
    return {
        "type": next((name for name in credential.types if name != VC_TYPE), VC_TYPE),
        "issuer": credential.issuer,
        "holder": credential.subject_id,
        "format": credential.format,
        "issued": to_rfc3339(credential.issued_at),
        "expires": to_rfc3339(credential.expires_at) if credential.expires_at is not None else None,
        "state": "revoked" if revoked is not None else "expired" if over else "stands",
        "revoked": revoked,
        "can_be_revoked": bool(credential.statuses),
        "says": "; ".join(_sentences(credential.subjects)),
        "id": credential.id,
        "raw": credential.raw,
    }


def chosen(described: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any]:
    """Return the one credential whose id is ``wanted``, or ends in it.

    Raises:
        CommandError: none, or several.
    """
    exact = [one for one in described if one.get("id") == wanted]
    found = exact or [one for one in described if str(one.get("id", "")).endswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError("there is no such credential", "see: hazel credential list, or with --issued what we issued")
    raise CommandError(f"{len(found)} credentials have an id that ends so", "give more of the id")


def results(answer: object, now: datetime | None = None) -> list[dict[str, Any]]:
    """Describe what a search of the node found."""
    found = pick(answer, "verifiableCredentials")
    return [
        describe(pick(one, "verifiableCredential"), revoked=pick(one, "revocation", "date"), now=now)
        for one in (found if isinstance(found, list) else [])
    ]


def _sentences(subjects: tuple[Mapping[str, Any], ...]) -> list[str]:
    """Return the texts in the subjects, names first seen first; identifiers of the holder itself are left out."""
    found: list[str] = []

    def walk(value: object, name: str) -> None:
        if isinstance(value, Mapping):
            for key, child in value.items():
                walk(child, str(key))
        elif isinstance(value, list):
            for child in value:
                walk(child, name)
        elif isinstance(value, str) and name not in ("id", "@type", "type"):
            found.append(f"{name} {value}")

    for subject in subjects:
        walk(subject, "")
    return found
