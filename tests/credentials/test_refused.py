"""Refused inputs by name (``tests/refused/``): each file goes to the parser of its folder, and gives exactly one clean error."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest

from credentials.did.certificate_chain import CertificateChain
from credentials.did.did_key import resolve_did_key
from credentials.did.did_web import document_url
from credentials.did.document import DIDDocument
from credentials.did.identifier import DID, parse_did
from credentials.errors import CredentialError
from credentials.fields import parse_json
from credentials.jsonld.canonical import canonical_nquads
from credentials.jws import SignedJWS
from credentials.query import PresentationSubmission
from credentials.query.definition import PresentationDefinition
from credentials.status.bits import decode_bits
from credentials.status.lists import StatusList
from credentials.status.verify import verify_status_list
from credentials.vc.credential import SignedCredential
from credentials.vc.evidence import Evidence
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_presentation
from registry.messages import ListPage
from tools.make_vectors import AUDIENCE, HOLDER, LIST_URL, NOW, OURS

REFUSED = Path(__file__).resolve().parents[1] / "refused"
REASONS: Final[Mapping[str, str]] = MappingProxyType(json.loads((REFUSED / "reasons.json").read_text(encoding="utf-8")))
LONGEST_MESSAGE = 300
SECONDS = 0.5
"""Longer than any of them takes, on a machine that does other things too."""


def _evidence() -> Evidence:
    keys: dict[Any, Any] = {}
    for name in ("did.json", "issuer_did.json"):
        body = (OURS / name).read_bytes()
        keys |= DIDDocument.parse(body, parse_did(json.loads(body)["id"])).assertion_keys
    listed = StatusList.parse(json.loads((OURS / "status_list.jsonld").read_text(encoding="utf-8")))
    verified = verify_status_list(listed, url=LIST_URL, evidence=Evidence(keys=keys), now=NOW)
    return Evidence(keys=keys, status_lists={LIST_URL: verified})


def _presented(body: bytes) -> object:
    return verify_presentation(
        SignedPresentation.parse(body.decode()),
        _evidence(),
        audience=AUDIENCE,
        now=NOW,
        max_lifetime=timedelta(seconds=5),
    )


def _credential(body: bytes) -> object:
    text = body.decode()
    return SignedCredential.parse(text if text.startswith("ey") else parse_json(text))


PARSERS: Final[Mapping[str, Callable[[bytes], object]]] = MappingProxyType(
    {
        "json": lambda body: parse_json(body, max_bytes=65_536),
        "jws": lambda body: SignedJWS.parse(body.decode()),
        "credential": _credential,
        "jsonld": lambda body: canonical_nquads(parse_json(body)),
        "presentation": lambda body: SignedPresentation.parse(body.decode()),
        "verified": _presented,
        "definition": PresentationDefinition.parse,
        "submission": PresentationSubmission.parse,
        "did_web": lambda body: document_url(parse_did(body.decode())),
        "did_key": lambda body: resolve_did_key(DID(body.decode())),
        "did_document": lambda body: DIDDocument.parse(body, HOLDER),
        "status_list": lambda body: decode_bits(body.decode()),
        "discovery_page": ListPage.parse,
        "x5c": lambda body: CertificateChain.parse(parse_json(body)).validate(NOW),
    }
)


def test_every_file_has_a_reason_and_every_reason_a_file() -> None:
    files = {
        file.relative_to(REFUSED).as_posix() for file in REFUSED.rglob("*") if file.is_file() and file.parent != REFUSED
    }
    assert files == set(REASONS)
    assert {file.partition("/")[0] for file in files} == set(PARSERS)
    readme = (REFUSED / "README.md").read_text(encoding="utf-8")
    assert [name for name in PARSERS if f"`{name}/`" not in readme] == []


@pytest.mark.parametrize("file", sorted(REASONS))
def test_a_refused_input_gives_one_clean_error(file: str) -> None:
    body = (REFUSED / file).read_bytes()
    parse = PARSERS[file.partition("/")[0]]
    _evidence()  # what is loaded once is not counted
    began = time.thread_time()
    with pytest.raises(CredentialError) as refused:
        parse(body)
    took = time.thread_time() - began
    message = str(refused.value)
    assert REASONS[file] in message
    assert len(message) <= LONGEST_MESSAGE
    assert message.isprintable()
    assert took < SECONDS
