"""The vectors of the specifications (``tests/vectors/``): what they say has to come of an input comes of it here."""

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from credentials.did.did_key import did_key, resolve_did_key
from credentials.did.identifier import DID
from credentials.encoding import b64url_decode, b64url_encode, canonical_json
from credentials.errors import MalformedError, UntrustedError
from credentials.fields import Fields, parse_json
from credentials.jsonld.canonical import _canonical
from credentials.jsonld.statements import Statement
from credentials.jws import SignedJWS
from credentials.keys import PublicKey
from credentials.query import NoMatch, PresentationSubmission, match_wallet
from credentials.query.definition import PresentationDefinition
from credentials.query.requirements import UnmetRequirementError, choose, parse_requirements
from credentials.status.bits import decode_bits, is_set
from credentials.vc.credential import VC_CONTEXT, SignedCredential
from tests.support.query import A_PROOF, HOLDER

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def vectors(file: str, member: str = "vectors") -> pytest.MarkDecorator:
    """Parametrise a test with the vectors of a file, by their names."""
    found = json.loads((VECTORS / f"{file}.json").read_text(encoding="utf-8"))[member]
    return pytest.mark.parametrize("vector", found, ids=[each["name"] for each in found])


def test_every_file_says_where_it_comes_from() -> None:
    readme = (VECTORS / "README.md").read_text(encoding="utf-8")
    files = sorted(VECTORS.glob("*.json"))
    assert len(files) > 6
    for file in files:
        held = json.loads(file.read_text(encoding="utf-8"))
        assert held["source"], file.name
        assert held["licence"], file.name
        assert f"`{file.name}`" in readme


@pytest.mark.spec("RFC 7515 Appendix A")
@vectors("rfc7515")
def test_signatures_of_rfc_7515(vector: dict[str, Any]) -> None:
    if "refused" in vector:
        with pytest.raises(MalformedError, match="alg is not accepted"):
            SignedJWS.parse(vector["jws"])
        return
    jws = SignedJWS.parse(vector["jws"])
    key = PublicKey.from_jwk(vector["key"])
    key.verify(jws.signature, jws.signing_input, jws.alg)
    with pytest.raises(UntrustedError):
        key.verify(jws.signature, jws.signing_input + b"x", jws.alg)


@pytest.mark.spec("RFC 7797 §4")
@vectors("rfc7797")
def test_unencoded_payloads_of_rfc_7797_are_signed_as_json_ld_proofs_are_and_refused_elsewhere(
    vector: dict[str, Any],
) -> None:
    told = json.loads((VECTORS / "rfc7797.json").read_text(encoding="utf-8"))
    header, _, signature = vector["jws"].split(".")
    payload = b64url_encode(told["payload"].encode()) if vector["b64"] else told["payload"]
    digest = hmac.new(b64url_decode(told["secret"]), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    assert b64url_encode(digest) == signature
    assert json.loads(b64url_decode(header)).get("b64", True) is vector["b64"]
    es256 = header if vector["b64"] else b64url_encode(b'{"alg":"ES256","b64":false,"crit":["b64"]}')
    with pytest.raises(MalformedError, match="alg is not accepted" if vector["b64"] else "which is not accepted"):
        SignedJWS.parse(f"{es256}..{signature}")


@pytest.mark.spec("RFC 8785 §3.2")
@vectors("rfc8785")
def test_canonical_json_of_rfc_8785(vector: dict[str, Any]) -> None:
    value = parse_json(vector["input"])
    if "refused" in vector:
        with pytest.raises(TypeError):
            canonical_json(value)
        return
    written = canonical_json(value)
    if "names" in vector:
        assert list(json.loads(written)) == vector["names"]
    else:
        assert written.hex() == vector["canonical_hex"]


@pytest.mark.spec("did:key §3")
@vectors("did_key")
def test_keys_of_the_did_key_specification(vector: dict[str, Any]) -> None:
    did = DID(vector["did"])
    if "refused" in vector:
        with pytest.raises(MalformedError, match="not supported"):
            resolve_did_key(did)
        return
    keys = resolve_did_key(did)
    if not vector.get("signs", True):
        assert keys == {}
        return
    ((kid, key),) = keys.items()
    assert kid == f"{did}#{did.removeprefix('did:key:')}"
    assert did_key(key) == did
    raw = key.native.public_bytes(
        *(
            (Encoding.Raw, PublicFormat.Raw)
            if vector["name"] == "Ed25519"
            else (Encoding.X962, PublicFormat.CompressedPoint)
        )
    )
    assert raw.hex() == vector["key_hex"]
    assert vector.get("jwk", key.to_jwk()) == key.to_jwk()


@pytest.mark.spec("WIRE §2.13")
@vectors("status_list")
def test_status_lists_of_the_specifications(vector: dict[str, Any]) -> None:
    bits = decode_bits(vector["encoded"], multibase=vector.get("multibase", False))
    assert len(bits) == vector["bytes"]
    assert [index for index in range(len(bits) * 8) if is_set(bits, index)] == vector["set"]


_TERM = r'<[^>]*>|_:\S+|"(?:[^"\\]|\\.)*"(?:@\S+|\^\^<[^>]*>)?'
_QUAD = re.compile(rf"\s*({_TERM})\s+({_TERM})\s+({_TERM})\s*({_TERM})?\s*\.\s*")


def _statement(line: str) -> Statement:
    found = _QUAD.fullmatch(line)
    assert found is not None, line
    subject, predicate, value, graph = found.groups()
    return subject, predicate, value, graph or ""


@pytest.mark.spec("RDF Dataset Canonicalization 1.0")
@vectors("rdf_canonicalization")
def test_graphs_of_the_rdf_canonicalization_suite(vector: dict[str, Any]) -> None:
    said = frozenset(_statement(line) for line in vector["input"])
    if "refused" in vector:
        with pytest.raises(MalformedError, match="work"):
            _canonical(said)
        return
    assert _canonical(said).decode().splitlines() == vector["canonical"]


def _credential(told: dict[str, Any]) -> SignedCredential:
    """A JSON-LD credential that says what a vector needs; types, dates and ids of this network around it."""
    document = {
        "@context": [VC_CONTEXT],
        "id": told["id"],
        "type": ["VerifiableCredential", told.get("type", "Told")],
        "issuer": told["issuer"],
        "issuanceDate": "2026-11-22T12:00:00Z",
        "credentialSubject": {"id": HOLDER, **told["subject"]},
    }
    if "schema" in told:
        document["credentialSchema"] = {"id": told["schema"], "type": "JsonSchema"}
    if "terms" in told:
        document["termsOfUse"] = told["terms"]
    if "expires" in told:
        document["expirationDate"] = told["expires"]
    if told.get("signed"):
        document["proof"] = A_PROOF
    return SignedCredential.parse(document)


@pytest.mark.spec("Presentation Exchange 2.0.0 §5")
@vectors("presentation_exchange", "definitions")
def test_definitions_of_presentation_exchange(vector: dict[str, Any]) -> None:
    if "refused" in vector:
        with pytest.raises(MalformedError):
            PresentationDefinition.parse(vector["definition"])
        return
    definition = PresentationDefinition.parse(vector["definition"])
    wallet = [_credential(each) for each in vector["wallet"]]
    if vector["chosen"] is None:
        with pytest.raises(NoMatch):
            match_wallet(definition, wallet)
        return
    match = match_wallet(definition, wallet)
    assert {name: credential.id for name, credential in match.selected} == vector["chosen"]


@pytest.mark.spec("Presentation Exchange 2.0.0 §5.1 submission requirements")
@vectors("presentation_exchange", "requirements")
def test_submission_requirements_of_presentation_exchange(vector: dict[str, Any]) -> None:
    requirements = parse_requirements(Fields.of({"submission_requirements": vector["requirements"]}, "definition"))
    members = [(name, frozenset({group}), name in vector["held"]) for name, group in map(str.split, vector["groups"])]
    if vector["chosen"] is None:
        with pytest.raises(UnmetRequirementError):
            choose(requirements, members)
        return
    assert choose(requirements, members) == frozenset(vector["chosen"])


@pytest.mark.spec("Presentation Exchange 2.0.0 §6")
@vectors("presentation_exchange", "submissions")
def test_submissions_of_presentation_exchange(vector: dict[str, Any]) -> None:
    text = json.dumps({"id": "s", "definition_id": "d", "descriptor_map": vector["descriptor_map"]})
    if "refused" in vector:
        with pytest.raises(MalformedError):
            PresentationSubmission.parse(text)
        return
    parsed = PresentationSubmission.parse(text)
    assert [each.credential for each in parsed.descriptors] == vector["positions"]
