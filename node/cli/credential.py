"""``hazel credential list``: what an organisation can present now."""

import argparse
from collections.abc import Mapping
from typing import Any

from credentials.claims import to_rfc3339
from credentials.errors import CredentialError
from credentials.vc.credential import VC_TYPE, SignedCredential
from node.cli.api import NodeApi, with_node
from node.cli.credential_explain import add_explain
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, NOTHING, show_json, show_table

MAX_CELL = 56
"""Characters of one cell; ``--json`` has everything."""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    add_explain(verbs)
    listed = add_verb(verbs, "list", "the credentials in the wallet of an organisation", _list)
    add_subject_option(listed)
    add_json_option(listed)


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        held = (await api.get(f"/internal/vcr/v2/holder/{api.subject(arguments.subject)}/vc")).value or []
        described = [_describe(raw) for raw in held]
        if arguments.json:
            show_json(described)
        else:
            show_table(
                ("TYPE", "ISSUER", "EXPIRES", "SAYS", "ID"),
                [
                    [_short(str(one.get(name) or NOTHING)) for name in ("type", "issuer", "expires", "says", "id")]
                    for one in described
                ],
            )
        return DONE

    return with_node(arguments.config, work)


def _short(text: str) -> str:
    """Return ``text`` as it fits a column: identifiers made of certificates run to hundreds of characters."""
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL // 2]}…{text[-MAX_CELL // 2 + 1 :]}"


def _describe(raw: object) -> dict[str, Any]:
    """Say what a credential is; the wallet took it in, so nothing is verified here again."""
    try:
        credential = SignedCredential.parse(raw)
    except CredentialError as error:
        return {"type": f"unreadable: {error}", "raw": raw}
    return {
        "type": next((name for name in credential.types if name != VC_TYPE), VC_TYPE),
        "issuer": credential.issuer,
        "issued": to_rfc3339(credential.issued_at),
        "expires": to_rfc3339(credential.expires_at) if credential.expires_at is not None else None,
        "says": "; ".join(_sentences(credential.subjects)),
        "id": credential.id,
        "raw": credential.raw,
    }


def _sentences(subjects: tuple[Mapping[str, Any], ...]) -> list[str]:
    """Return the texts in the subjects, names first seen first; identifiers of the holder itself are left out."""
    found: list[str] = []

    def walk(value: object, name: str) -> None:
        if isinstance(value, Mapping):
            for key, child in value.items():
                walk(child, str(key))
        elif isinstance(value, str) and name not in ("id", "@type", "type"):
            found.append(f"{name} {value}")

    for subject in subjects:
        walk(subject, "")
    return found
