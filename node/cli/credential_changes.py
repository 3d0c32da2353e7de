"""``hazel credential issue | import | verify | revoke | remove``.

What a credential says comes as ``--claim`` or, where it is long or names a citizen, as JSON from a file or standard input; a citizen number
is never an argument.
"""

import argparse
import json
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from credentials.claims import to_rfc3339
from credentials.encoding import b64url_decode
from credentials.errors import MalformedError
from credentials.fields import MAX_JSON_BYTES, parse_json
from node.audit.pseudonym import holds_bsn
from node.cli.api import JSON, NodeApi, segment, with_node
from node.cli.credential_words import chosen, results
from node.cli.options import Verbs, add_json_option, add_subject_option, add_verb
from node.cli.output import DONE, REFUSED, USAGE, CommandError, pick, say, show, show_json, word
from node.world import SystemClock

VCR = "/internal/vcr/v2"

_FORMATS = {"jwt": "jwt_vc", "json-ld": "ldp_vc"}
_STATUS = {"statuslist2021": "withStatusList2021Revocation", "bitstring": "withBitstringStatusListRevocation"}


def add_changes(verbs: Verbs) -> None:
    """Describe the commands; ``verbs`` are those of ``hazel credential``."""
    issue = add_verb(verbs, "issue", "issue a credential to somebody; it is printed, to be handed over", _issue)
    issue.add_argument("type", metavar="TYPE", help="for example NutsOrganizationCredential")
    issue.add_argument("--to", metavar="DID", help="whom it is about (default: the organisation itself)")
    issue.add_argument(
        "--claim", metavar="NAME=VALUE", action="append", default=[],
        help="what it says, for example organization.city=Gouda; may be repeated",
    )  # fmt: skip
    issue.add_argument("--claims", metavar="FILE", help="what it says as a JSON object; - is standard input")
    issue.add_argument(
        "--context",
        metavar="URL",
        action="append",
        default=[],
        help="JSON-LD context of what it says (default: that of its type)",
    )
    issue.add_argument("--days", metavar="N", type=int, help="how long it is valid (default: for ever)")
    issue.add_argument(
        "--status",
        choices=(*_STATUS, "none"),
        default="statuslist2021",
        help="where it can be revoked (default: %(default)s)",
    )
    issue.add_argument(
        "--format", choices=tuple(_FORMATS), default="jwt", help="how it is signed (default: %(default)s)"
    )
    taken = add_verb(verbs, "import", "put a credential in the wallet; it is verified first", _import)
    taken.add_argument("file", metavar="FILE", help="a JWT or JSON; - is standard input")
    verify = add_verb(verbs, "verify", "does a credential or presentation hold now; exit code 1 when not", _verify)
    verify.add_argument("file", metavar="FILE", help="a JWT or JSON; - is standard input")
    revoke = add_verb(verbs, "revoke", "take back a credential that we issued", _revoke)
    remove = add_verb(verbs, "remove", "take a credential out of the wallet", _remove)
    for verb in (revoke, remove):
        verb.add_argument("id", metavar="ID", help="its id, or the end of it")
    for verb in (issue, taken, revoke, remove):
        add_subject_option(verb)
    for verb in (issue, verify):
        add_json_option(verb)


def _issue(arguments: argparse.Namespace) -> int:
    subject = _claims(arguments.claim, arguments.claims)
    if arguments.days is not None and arguments.days <= 0:
        raise CommandError("--days is at least 1", code=USAGE)
    if arguments.days is None and arguments.status == "none":
        raise CommandError(
            "a credential that never ends has to be revocable", "give --days, or leave out --status none", code=USAGE
        )

    async def work(api: NodeApi) -> int:
        issuer = await _own_did(api, arguments)
        body: dict[str, Any] = {
            "type": arguments.type,
            "issuer": issuer,
            "credentialSubject": {**subject, "id": arguments.to or issuer},
            "format": _FORMATS[arguments.format],
            **({"@context": arguments.context} if arguments.context else {}),
            **({"expirationDate": _in_days(arguments.days)} if arguments.days is not None else {}),
            **({_STATUS[arguments.status]: True} if arguments.status != "none" else {_STATUS["statuslist2021"]: False}),
        }
        answer = await api.call(
            "POST",
            f"{VCR}/issuer/vc",
            body=json.dumps(body).encode(),
            content_type=JSON,
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        if arguments.json or not isinstance(answer.value, str):
            show_json(answer.value)
        else:
            show(answer.value)
        return DONE

    return with_node(arguments.config, work)


def _import(arguments: argparse.Namespace) -> int:
    credential = _read(arguments.file)

    async def work(api: NodeApi) -> int:
        await api.post(f"{VCR}/holder/{api.subject(arguments.subject)}/vc", credential)
        say("it is in the wallet")
        return DONE

    return with_node(arguments.config, work)


def _verify(arguments: argparse.Namespace) -> int:
    value = _read(arguments.file)
    what = "vp" if _is_presentation(value) else "vc"
    member = "verifiablePresentation" if what == "vp" else "verifiableCredential"

    async def work(api: NodeApi) -> int:
        verdict = (await api.post(f"{VCR}/verifier/{what}", {member: value})).value
        holds = pick(verdict, "validity") is True
        if arguments.json:
            show_json(verdict)
        else:
            show("it holds" if holds else f"it does NOT hold: {word(verdict, 'message')}")
        return DONE if holds else REFUSED

    return with_node(arguments.config, work)


def _revoke(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        dids = (await api.get(f"/internal/vdr/v2/subject/{api.subject(arguments.subject)}")).value or []
        issued = [
            one
            for did in dids
            for one in results((await api.get(f"{VCR}/issuer/vc/search", [("issuer", str(did))])).value)
        ]
        one = chosen(issued, arguments.id)
        await api.call("DELETE", f"{VCR}/issuer/vc/{segment(str(one['id']))}")
        say(f"revoked: {one['type']} for {one['holder']}; other nodes see it within a minute")
        return DONE

    return with_node(arguments.config, work)


def _remove(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        holder = f"{VCR}/holder/{api.subject(arguments.subject)}/vc"
        one = chosen(results((await api.get(f"{holder}/search")).value), arguments.id)
        await api.call("DELETE", f"{holder}/{segment(str(one['id']))}")
        say(f"out of the wallet: {one['type']}")
        return DONE

    return with_node(arguments.config, work)


async def _own_did(api: NodeApi, arguments: argparse.Namespace) -> str:
    dids = (await api.get(f"/internal/vdr/v2/subject/{api.subject(arguments.subject)}")).value
    if not isinstance(dids, list) or not dids:
        raise CommandError("this organisation has no identifier", "see: hazel subject list")
    return next((str(did) for did in dids if str(did).startswith("did:web:")), str(dids[0]))


def _claims(words: list[str], file: str | None) -> dict[str, Any]:
    """Return what the credential says, from the arguments and from JSON."""
    value = {} if file is None else _read(file)
    if not isinstance(value, dict):
        raise CommandError("--claims is a JSON object", code=USAGE)
    if "id" in value:
        raise CommandError("whom it is about is said by --to", code=USAGE)
    for each in words:
        path, equals, text = each.partition("=")
        names = path.split(".")
        if not equals or not all(names):
            raise CommandError("--claim is NAME=VALUE", "for example: --claim organization.city=Gouda", code=USAGE)
        if holds_bsn(text):
            raise CommandError("a citizen number is never an argument", "pipe JSON into: --claims -", code=USAGE)
        _put(value, names, text)
    return value


def _put(value: dict[str, Any], names: list[str], text: str) -> None:
    for name in names[:-1]:
        value = value.setdefault(name, {})
        if not isinstance(value, dict):
            raise CommandError("one --claim is inside another", code=USAGE)
    if names[-1] in value:
        raise CommandError("a claim is given twice", code=USAGE)
    value[names[-1]] = text


def _read(file: str) -> Any:
    """Read a JWT or JSON from a file, or from standard input."""
    try:
        if file == "-":
            text = sys.stdin.read(MAX_JSON_BYTES + 1)
        else:
            with Path(file).open(encoding="utf-8") as opened:
                text = opened.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file} can not be read: {error.strerror}", code=USAGE) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} can not be read: it is not text in UTF-8", code=USAGE) from error
    text = text.strip()
    if not text.startswith(("{", '"', "[")):
        return text
    try:
        return parse_json(text)
    except MalformedError as error:
        raise CommandError(f"this is not JSON: {error}", code=USAGE) from error


def _is_presentation(value: object) -> bool:
    if isinstance(value, str):
        try:
            return pick(parse_json(b64url_decode(value.split(".")[1])), "vp") is not None
        except (MalformedError, IndexError):
            return False
    return "VerifiablePresentation" in (word(value, "type").split(", "))


def _in_days(days: int) -> str:
    now: datetime = SystemClock().now()
    try:
        return to_rfc3339(now + timedelta(days=days))
    except OverflowError as error:
        raise CommandError("--days is too many", code=USAGE) from error
