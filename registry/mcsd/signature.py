"""Mutation signatures: an organisation signs what is said about it (LANDSCAPE §2.1.1, optional).

A Provenance carries a detached JWS (RFC 7515 appendix F) over the canonical form (RFC 8785) of one version of a resource without
``meta`` and narratives, by a certificate in which the organisation's URA number stands. So a directory, or the vendor who may write there,
can not change what an organisation signed without anybody seeing it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from cryptography import x509

from credentials.did.certificate_chain import CertificateChain
from credentials.encoding import b64_decode, b64_encode, b64url_encode
from credentials.errors import MalformedError, UntrustedError
from credentials.jws import SignedJWS, sign_jws
from credentials.ports import PrivateKey
from registry.directory import ura_key
from registry.mcsd.resource import format_instant

CANONICALIZATION: Final = "http://hl7.org/fhir/canonicalization/json#static"
TARGET_FORMAT: Final = f"application/fhir+json;canonicalization={CANONICALIZATION}"
SIGNATURE_FORMAT: Final = "application/jose"
URA_OID: Final = "urn:oid:2.16.528.1.1007.3.3"
"""The URA number as certificates have it: ``<this>.<number>`` in the subject alternative name, and the system of ``who``."""
AUTHORSHIP: Final = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}
COMMITMENT: Final = {"commId": {"id": "urn:oid:1.2.840.10065.1.12.1.1", "desc": "Author's Signature"}}
"""``srCms``: the same as the signature's type, as the rules want it."""
MAX_JWS: Final = 65_536
"""Longest signature with its certificates, in characters."""

_LEFT_OUT: Final = frozenset({"meta", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationSignature:
    """What a Provenance says about one version of a resource, **not** verified.

    Attributes:
        target: ``Type/id``, mostly with ``/_history/version``.
        who: the URA number that it says to be of.
        jws: header and signature, with nothing between the dots.
    """

    target: str
    who: str
    jws: str

    @classmethod
    def parse(cls, provenance: object) -> Self:
        """Read a Provenance with exactly one target and one signature of this kind.

        Raises:
            MalformedError: it is none.
        """
        if not isinstance(provenance, dict) or provenance.get("resourceType") != "Provenance":
            raise MalformedError("not a Provenance")
        targets, signatures = provenance.get("target"), provenance.get("signature")
        if (
            not isinstance(targets, list)
            or not isinstance(signatures, list)
            or (len(targets), len(signatures)) != (1, 1)
        ):
            raise MalformedError("a Provenance without exactly one target and one signature")
        target, signature = targets[0], signatures[0]
        if not isinstance(target, dict) or not isinstance(signature, dict):
            raise MalformedError("a Provenance that can not be read")
        reference, data = target.get("reference"), signature.get("data")
        if signature.get("sigFormat") != SIGNATURE_FORMAT or signature.get("targetFormat") != TARGET_FORMAT:
            raise MalformedError("a signature in another format")
        if not isinstance(reference, str) or not isinstance(data, str) or len(data) > MAX_JWS * 2:
            raise MalformedError("a signature without target or data")
        who = signature.get("who")
        identifier = who.get("identifier") if isinstance(who, dict) else None
        number = identifier.get("value") if isinstance(identifier, dict) else None
        if not isinstance(number, str):
            raise MalformedError("a signature that does not say whose it is")
        jws = b64_decode(data)
        if not jws.isascii():
            raise MalformedError("a signature that is no JWS")
        return cls(target=reference, who=ura_key(number), jws=jws.decode())

    def verify(self, content: Mapping[str, Any], *, roots: frozenset[str], now: datetime) -> str:
        """Check that an organisation signed this version.

        Args:
            content: the resource, as the directory gave it.
            roots: SHA-256 fingerprints (base64url) of the roots that vouch for organisations.
            now: aware UTC; certificates have to be valid. Whether one was revoked is judged elsewhere.

        Returns:
            The URA number of who signed.

        Raises:
            MalformedError: the signature is no detached JWS, or the resource has no canonical form.
            UntrustedError: another resource, an unknown root, or a signature that does not match.
            NotCurrentError: a certificate is not valid at ``now``.
        """
        # (1) over this resource; the version it names has to be this one
        meta = content.get("meta")
        version = meta.get("versionId") if isinstance(meta, dict) else None
        named = f"{content.get('resourceType')}/{content.get('id')}"
        if self.target not in {named, f"{named}/_history/{version}"}:
            raise UntrustedError("the signature is over another resource or version")
        # (2) a detached JWS in the form that was agreed
        header, dots, signature = self.jws.partition("..")
        if not dots:
            raise MalformedError("not a detached JWS")
        attached = f"{header}.{b64url_encode(canonical(content))}.{signature}"
        jws = SignedJWS.parse(attached, max_bytes=MAX_JWS + 2 * len(attached), allow=frozenset({"x5c"}))
        if jws.header.get("canon") != CANONICALIZATION:
            raise MalformedError("the signature is over another canonical form")
        # (3) by a certificate of somebody we believe
        chain = CertificateChain.parse(jws.header.get("x5c"))
        if not roots.intersection(chain.fingerprints("sha256")[-1:]):
            raise UntrustedError("the certificate is of a root that is not trusted")
        chain.validate(now)
        # (4) over these bytes
        chain.leaf.key.verify(jws.signature, jws.signing_input, jws.alg)
        # (5) whose certificate it is
        number = signer(chain)
        if number != self.who:
            raise UntrustedError("the signature says to be of another organisation than its certificate")
        return number


def sign(content: Mapping[str, Any], *, key: PrivateKey, x5c: list[str], ura: str, now: datetime) -> dict[str, Any]:
    """Make the Provenance of one version of a resource.

    Args:
        content: the resource, with ``meta.versionId``.
        key: of the certificate.
        x5c: the certificate and its issuers, base64 of DER, leaf first.
        ura: who signs; has to stand in the certificate.
        now: aware UTC.

    Raises:
        MalformedError: the resource has no version or no canonical form.
    """
    meta = content.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if not version:
        raise MalformedError("only a version of a resource can be signed")
    moment = format_instant(now)
    header = {
        "alg": key.alg,
        "typ": "JOSE",
        "canon": CANONICALIZATION,
        "sigT": moment,
        "srCms": [COMMITMENT],
        "x5c": x5c,
        "kid": None,
    }
    head, _, signature = sign_jws(header, canonical(content), key).split(".")
    who = {"identifier": {"system": URA_OID, "value": ura}}
    return {
        "resourceType": "Provenance",
        "target": [{"reference": f"{content['resourceType']}/{content['id']}/_history/{version}"}],
        "recorded": moment,
        "agent": [{"who": who}],
        "signature": [
            {
                "type": [AUTHORSHIP],
                "when": moment,
                "who": who,
                "targetFormat": TARGET_FORMAT,
                "sigFormat": SIGNATURE_FORMAT,
                "data": b64_encode(f"{head}..{signature}".encode()),
            }
        ],
    }


def signer(chain: CertificateChain) -> str:
    """The URA number in the subject alternative name of the leaf.

    Raises:
        UntrustedError: there is none, or more than one.
    """
    names = chain.leaf.names
    uris = [] if names is None else names.get_values_for_type(x509.UniformResourceIdentifier)
    found = [uri.removeprefix(f"{URA_OID}.") for uri in uris if uri.startswith(f"{URA_OID}.")]
    if len(found) != 1 or not (found[0].isascii() and found[0].isdigit()) or len(found[0]) > len("12345678"):
        raise UntrustedError("the certificate does not name exactly one organisation")
    return ura_key(found[0])


def canonical(content: Mapping[str, Any]) -> bytes:
    """The canonical form of a resource: RFC 8785 of it without ``meta`` and narrative, also of what it contains.

    Raises:
        MalformedError: a number in it has no form that every reader would write alike.
    """
    return _written(content).encode()


def _written(value: Any) -> str:
    match value:
        case dict():
            left_out = _LEFT_OUT if "resourceType" in value else frozenset()  # the text of a concept is no narrative
            names = sorted(value.keys() - left_out, key=lambda name: name.encode("utf-16-be"))  # RFC 8785 §3.2.3
            return "{" + ",".join(f"{_written(name)}:{_written(value[name])}" for name in names) + "}"
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case bool() | str() | int() | None:
            return json.dumps(value, ensure_ascii=False)
        case float():
            return _number(value)
        case _:
            raise MalformedError("a value that is not JSON")


def _number(value: float) -> str:
    """As ECMAScript writes it, where Python writes the same: without an exponent (coordinates need no more)."""
    if value == 0:
        return "0"
    if not math.isfinite(value) or not 1e-4 <= abs(value) < 1e15:  # noqa: PLR2004  # where repr() begins to use exponents
        raise MalformedError("a number that is too large or too small to be signed")
    return str(int(value)) if value.is_integer() else repr(value)
