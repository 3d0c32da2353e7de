"""Signatures of organisations over what is said about them in a directory."""

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from credentials.did.certificate_chain import CertificateChain
from credentials.encoding import b64_decode, b64_encode, b64url_decode
from credentials.errors import CredentialError, MalformedError, NotCurrentError, UntrustedError
from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.ports import PrivateKey
from registry.mcsd.signature import MutationSignature, canonical, sign
from tests.support.certificates import NOT_AFTER, NOW, _authorities, a_certificate, a_name, leaf_extensions, x5c_of
from tests.support.directory import a_location, an_organization
from tests.support.keys import rsa_private_key

URI = "urn:oid:2.16.528.1.1007.3.3.90000102"


@dataclass(frozen=True)
class Rs256:
    """A key that signs as the rules want it; ours do not (RSASSA-PSS only)."""

    key: rsa.RSAPrivateKey
    kid: KeyId
    alg: str = "RS256"

    @property
    def public(self) -> PublicKey:
        return PublicKey.from_key(self.key.public_key())

    def sign(self, signing_input: bytes) -> bytes:
        return self.key.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())


def _signer(*uris: str, region: str = "Test UZI", alg: str = "RS256") -> tuple[PrivateKey, list[str]]:
    ca, root = _authorities(region)
    key = rsa_private_key("directory signer")
    leaf = a_certificate(
        subject=a_name(C="NL", O="De Linde", CN="linde.example"), key=key, issuer=ca.subject,
        issuer_key=rsa_private_key(f"{region} issuing CA"),
        extensions=leaf_extensions(*(x509.UniformResourceIdentifier(each) for each in uris)),
    )  # fmt: skip
    signing: PrivateKey = Rs256(key, KeyId("x")) if alg == "RS256" else SoftwareKey(KeyId("x"), key, alg)
    return signing, x5c_of((leaf, ca, root))


ROOTS = frozenset(CertificateChain.parse(_signer(URI)[1]).fingerprints("sha256")[-1:])
CONTENT = a_location("l1", "o", meta={"versionId": "3"}, text={"status": "generated", "div": "<div>x</div>"}) | {
    "position": {"longitude": 4.7106, "latitude": 52.0}
}


def _signed(content: dict[str, Any] = CONTENT, *uris: str, **signer: Any) -> dict[str, Any]:
    key, x5c = _signer(*(uris or (URI,)), **signer)
    return sign(content, key=key, x5c=x5c, ura="90000102", now=NOW)


def _verify(provenance: Any, content: dict[str, Any] = CONTENT, now: Any = NOW) -> str:
    return MutationSignature.parse(provenance).verify(content, roots=ROOTS, now=now)


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_who_signed_a_version_is_told_by_its_certificate(alg: str) -> None:
    if alg == "RS256":
        provenance = _signed()
        header = json.loads(b64_decode_header(provenance))
        assert header["alg"] == "RS256"
        assert set(header) == {"alg", "typ", "canon", "sigT", "srCms", "x5c"}
        assert _verify(provenance) == "90000102"
    else:
        assert _verify(_signed(alg=alg)) == "90000102"


def b64_decode_header(provenance: dict[str, Any]) -> bytes:
    return b64url_decode(b64_decode(provenance["signature"][0]["data"]).decode().partition(".")[0])


def test_meta_and_narrative_may_change_and_nothing_else() -> None:
    provenance = _signed()
    assert (
        _verify(provenance, CONTENT | {"text": {"status": "empty"}, "meta": {"versionId": "3", "tag": []}})
        == "90000102"
    )
    for changed in (
        CONTENT | {"name": "Elders"},
        CONTENT | {"position": {"longitude": 4.7107, "latitude": 52.0}},
        CONTENT | {"extra": None},
        CONTENT | {"id": "l2"},
        CONTENT | {"meta": {"versionId": "4"}},
        an_organization("l1", meta={"versionId": "3"}),
    ):
        with pytest.raises(UntrustedError):
            _verify(provenance, changed)


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    content = {"resourceType": "X", "b": [1, 2.0, 0.5, -0.0, True, None], "meta": {}, "text": {}}
    content["a"] = {"\ufb33": 1, "\U0001f600": "", "\u20ac": "\u20ac\n"}  # by UTF-16: the euro, the face, the letter
    wanted = '{"a":{"\u20ac":"\u20ac\\n","\U0001f600":"","\ufb33":1},"b":[1,2,0.5,0,true,null],"resourceType":"X"}'
    assert canonical(content) == wanted.encode()
    for number in (1e-7, 1e21, 1.5e16):
        with pytest.raises(MalformedError):
            canonical({"a": number})


def test_a_certificate_of_an_unknown_root_or_without_an_organisation_signs_nothing() -> None:
    with pytest.raises(UntrustedError, match="root"):
        _verify(_signed(region="Intruder"))
    for uris in (("urn:oid:1.2.3.90000102",), (URI, URI.replace("102", "101")), (f"{URI}0",), (f"{URI[:-8]}abc",)):
        with pytest.raises(UntrustedError, match="organisation"):
            _verify(_signed(CONTENT, *uris))
    with pytest.raises(NotCurrentError):
        _verify(_signed(), now=NOT_AFTER.replace(year=NOT_AFTER.year + 1))


def test_narratives_go_from_contained_resources_too_and_the_text_of_a_concept_stays() -> None:
    contained = {"resourceType": "Location", "id": "in", "text": {"div": "x"}, "meta": {}}
    content = {"resourceType": "X", "contained": [contained], "type": {"text": "kept"}}
    assert (
        canonical(content)
        == b'{"contained":[{"id":"in","resourceType":"Location"}],"resourceType":"X","type":{"text":"kept"}}'
    )


def test_a_signature_says_whose_it_is_and_may_name_no_version() -> None:
    provenance = deepcopy(_signed())
    provenance["target"] = [{"reference": "Location/l1"}]
    assert _verify(provenance) == "90000102"
    provenance["signature"][0]["who"] = {"identifier": {"value": "90000101"}}
    with pytest.raises(UntrustedError, match="another organisation"):
        _verify(provenance)


def _with_data(data: Any) -> dict[str, Any]:
    provenance = deepcopy(_signed())
    provenance["signature"][0]["data"] = data
    return provenance


JWS = b64_decode(_signed()["signature"][0]["data"]).decode()


@pytest.mark.parametrize(
    "provenance",
    [
        None, [], {}, {"resourceType": "Provenance"}, _signed() | {"target": []}, _signed() | {"signature": [{}, {}]},
        _signed() | {"target": ["x"]}, _with_data(7), _with_data("%"), _with_data(b64_encode(b"\xff")),
        _with_data(b64_encode(JWS.replace("..", ".e30.").encode())), _with_data(b64_encode(b"..")),
        _with_data(b64_encode(JWS.split("..")[0].encode())), _with_data(b64_encode(f"{JWS}x.y".encode())),
        _with_data(b64_encode(JWS[:-8].encode() + b"AAAAAAAA")), _with_data("A" * 200_000),
        _signed() | {"signature": [_signed()["signature"][0] | {"sigFormat": "application/pkcs7"}]},
        _signed() | {"signature": [_signed()["signature"][0] | {"targetFormat": "application/fhir+json"}]},
    ],
)  # fmt: skip
def test_what_is_no_signature_is_one_error(provenance: Any) -> None:
    with pytest.raises(CredentialError):
        _verify(provenance)


def test_only_a_version_is_signed() -> None:
    with pytest.raises(MalformedError):
        _signed(an_organization("o"))
