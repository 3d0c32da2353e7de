"""Make our own vectors, ``tests/vectors/ours/`` (``make vectors``): one message of every kind, the same bytes on every machine.

Keys follow from names, times and ids are fixed, signatures are deterministic (RFC 6979). What lies there is compared with what is
made, and a difference is shown and fails; ``--write`` writes it anew. A change of these bytes is a change on the wire: it belongs in
the changelog.
"""
# ruff: noqa: INP001  # a program beside the packages, not one of them

import argparse
import difflib
import json
import sys
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from credentials.claims import to_numeric_date
from credentials.did.did_x509 import CertificateChain, x509_did
from credentials.did.document import build_document
from credentials.encoding import b64_encode, b64url_encode
from credentials.jsonld.proof import sign_document
from credentials.jws import compact_json, sign_jws
from credentials.keys import KeyId, PublicKey
from credentials.query import PresentationDefinition, build_submission, match_wallet
from credentials.status.bits import bits_with
from credentials.status.build import status_entry, status_list_document
from credentials.vc.credential import NUTS_CONTEXT, VC_CONTEXT, SignedCredential
from credentials.vc.issue import issue_jwt_credential, issue_ldp_credential, issue_x509_credential, self_attested
from credentials.vc.present import present_jwt, present_ldp
from credentials.vc.presentation import RETRACTION_TYPE
from node.oauth.dpop import make_proof
from tests.support.certificates import CA_EXTENSIONS, a_name, leaf_extensions, other_name, uzi_number
from tests.support.keys import a_did, ec_private_key

OURS = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "ours"

NOW: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOLDER, ISSUER = a_did("oever"), a_did("ministry")
AUDIENCE: Final = "https://wending.example/oauth2/wending"
SERVICE: Final = "medication"
NONCE: Final = b64url_encode(bytes(range(32)))
LIST_URL: Final = f"https://ministry.example/statuslist/{ISSUER}/1"
REVOKED: Final = (5, 131_071)
# gzip differs between versions of zlib, so the bits of REVOKED are written down; the test unpacks them.
ENCODED_LIST: Final = "H4sIAAAAAAACA-3BMQ0AAAwDoDWZf82V0Qf4AwAAAAAAAAAAAAAAAAAAAMZSL06ExwBAAAA"
MAX_LINE: Final = 200
"""Characters shown of a line that differs."""
TOKEN: Final = b64url_encode(bytes(range(32, 64)))

DEFINITION: Final[Mapping[str, Any]] = {
    "id": "pd_organization",
    "format": {
        "jwt_vp": {"alg": ["ES256"]},
        "jwt_vc": {"alg": ["ES256"]},
        "ldp_vp": {"proof_type": ["JsonWebSignature2020"]},
        "ldp_vc": {"proof_type": ["JsonWebSignature2020"]},
    },
    "input_descriptors": [
        {
            "id": "id_organization",
            "constraints": {
                "fields": [
                    {"path": ["$.type"], "filter": {"type": "string", "const": "NutsOrganizationCredential"}},
                    {"path": ["$.issuer"], "filter": {"type": "string", "const": ISSUER}},
                    {
                        "id": "organization_name",
                        "path": ["$.credentialSubject.organization.name", "$.credentialSubject[0].organization.name"],
                        "filter": {"type": "string"},
                    },
                ]
            },
        },
        {
            "id": "id_employee",
            "constraints": {
                "fields": [
                    {"path": ["$.type"], "filter": {"type": "string", "const": "NutsEmployeeCredential"}},
                    {
                        "id": "employee_identifier",
                        "path": ["$.credentialSubject.identifier", "$.credentialSubject[0].identifier"],
                        "filter": {"type": "string"},
                    },
                ]
            },
        },
    ],
}


class DeterministicKey:
    """A P-256 key of a test party whose signature follows from the message; implements `credentials.ports.PrivateKey`."""

    alg = "ES256"

    def __init__(self, kid: KeyId, name: str) -> None:
        """Derive the key from ``name``."""
        self.kid = kid
        self.native = ec_private_key(name)
        self.public = PublicKey.from_key(self.native.public_key())

    def sign(self, signing_input: bytes) -> bytes:
        """Sign as RFC 6979 says; raw ``r || s``."""
        der = self.native.sign(signing_input, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))


def key_of(name: str) -> DeterministicKey:
    """The key of a test party, the same one that `tests.support.keys.a_key` makes."""
    return DeterministicKey(KeyId(f"{a_did(name)}#key-1"), f"{name}#key-1")


def an_id(seed: str) -> str:
    """A UUID that follows from ``seed``."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"vectors {seed}"))


def a_chain() -> tuple[CertificateChain, DeterministicKey]:
    """A certificate in the image of UZI with EC keys: leaf, issuing CA, root."""
    names = [a_name(C="NL", O="Test", CN=f"Test {each}") for each in ("Root CA", "CA")]
    names.append(a_name(C="NL", O="Huisartsenpraktijk De Oever", L="Oeverdam", CN="oever.example"))
    keys = [ec_private_key(f"x509 {each}") for each in ("root", "ca", "leaf")]
    made: list[bytes] = []
    for place, (name, key) in enumerate(zip(names, keys, strict=True)):
        above = max(place - 1, 0)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[above])
            .public_key(key.public_key())
            .serial_number(place + 1)
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        )
        is_leaf = place == len(names) - 1
        leaf = leaf_extensions(x509.DNSName("oever.example"), other_name(uzi_number("00001111")))
        for extension, critical in leaf if is_leaf else CA_EXTENSIONS:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(keys[above], hashes.SHA256(), ecdsa_deterministic=True)
        made.insert(0, certificate.public_bytes(serialization.Encoding.DER))
    chain = CertificateChain.parse([b64_encode(each) for each in made])
    return chain, DeterministicKey(KeyId(f"{x509_did(chain)}#0"), "x509 leaf")


def vectors() -> Mapping[str, str]:
    """Return every vector by its file name."""
    issuer, holder = key_of("ministry"), key_of("oever")
    entry = status_entry(url=LIST_URL, index=4)
    about: dict[str, Any] = {
        "issuer": ISSUER,
        "subject_id": HOLDER,
        "types": ("NutsOrganizationCredential",),
        "subject": {"organization": {"name": "Huisartsenpraktijk De Oever", "city": "Oeverdam"}},
        "key": issuer,
        "credential_id": f"{ISSUER}#{an_id('organization')}",
        "now": NOW,
        "expires_at": NOW + timedelta(days=365),
        "contexts": (NUTS_CONTEXT,),
        "statuses": (entry,),
    }
    jwt, document = issue_jwt_credential(**about), issue_ldp_credential(**about)
    employee = self_attested(
        holder=HOLDER,
        types=("NutsEmployeeCredential",),
        subject={"identifier": "U-1001", "name": "J. Jansen", "roleName": "01.015"},
        credential_id=an_id("employee"),
        now=NOW,
        contexts=(NUTS_CONTEXT,),
    )
    presented: dict[str, Any] = {
        "holder": HOLDER,
        "key": holder,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now": NOW,
    }
    presentation = present_jwt(
        **presented,
        credentials=[jwt, employee],
        presentation_id=f"{HOLDER}#{an_id('vp')}",
        lifetime=timedelta(seconds=5),
    )
    linked = present_ldp(
        **presented,
        credentials=[document, employee],
        presentation_id=f"{HOLDER}#{an_id('ldp')}",
        expires=NOW + timedelta(seconds=5),
        challenge=NONCE,
    )
    chain, certificate_key = a_chain()
    return {
        "did.json": _pretty(build_document(HOLDER, [(holder.kid, holder.public)])),
        "issuer_did.json": _pretty(build_document(ISSUER, [(issuer.kid, issuer.public)])),
        "organization_credential.jwt": jwt,
        "organization_credential.jsonld": _pretty(document),
        "employee_credential.jsonld": _pretty(employee),
        "x509_credential.jwt": issue_x509_credential(
            chain=chain, key=certificate_key, subject_id=HOLDER, credential_id=an_id("x509"), now=NOW
        ),
        "presentation.jwt": presentation,
        "presentation_6.2.jwt": _presentation_of_6_2(jwt, holder),
        "presentation.jsonld": _pretty(linked),
        "presentation_definition.json": _pretty(DEFINITION),
        "token_request.form": _token_request(presentation, [jwt, employee]),
        "dpop_proof.jwt": make_proof(
            holder, method="GET", url="https://wending.example/fhir/Patient", access_token=TOKEN, jti=NONCE, now=NOW
        ),
        "status_list.jsonld": _pretty(_status_list(issuer)),
        "discovery_page.json": _pretty(_discovery_page(presented, jwt)),
    }


def _presentation_of_6_2(jwt: str, key: DeterministicKey) -> str:
    """The shape of nuts-node 6.2: no ``iss`` and ``iat``, a ``holder``, single values in place of arrays (WIRE §0)."""
    issued = to_numeric_date(NOW)
    claims = {
        "aud": [AUDIENCE],
        "exp": issued + 5,
        "jti": f"{HOLDER}#{an_id('vp 6.2')}",
        "nbf": issued,
        "nonce": NONCE,
        "sub": HOLDER,
        "vp": {
            "@context": VC_CONTEXT,
            "holder": HOLDER,
            "type": "VerifiablePresentation",
            "verifiableCredential": jwt,
        },
    }
    return sign_jws({"typ": "JWT"}, compact_json(claims), key)


def _token_request(presentation: str, credentials: list[Any]) -> str:
    definition = PresentationDefinition.parse(dict(DEFINITION))
    match = match_wallet(definition, [SignedCredential.parse(each) for each in credentials])
    form = {
        "assertion": presentation,
        "client_id": "https://oever.example/oauth2/oever",
        "grant_type": "vp_token-bearer",
        "presentation_submission": json.dumps(
            build_submission(definition, match, submission_id=an_id("submission")), separators=(",", ":")
        ),
        "scope": SERVICE,
    }
    return urlencode(form)


def _status_list(key: DeterministicKey) -> dict[str, Any]:
    document = json.loads(
        json.dumps(
            status_list_document(
                url=LIST_URL,
                issuer=ISSUER,
                list_id=f"{ISSUER}#{an_id('list')}",
                bits=bits_with(REVOKED),
                issued_at=NOW,
                expires_at=NOW + timedelta(days=1),
            )
        )
    )
    subjects = document["credentialSubject"]
    for subject in subjects if isinstance(subjects, list) else [subjects]:
        subject["encodedList"] = ENCODED_LIST
    return sign_document(document, key, created=NOW)


def _discovery_page(presented: Mapping[str, Any], jwt: str) -> dict[str, Any]:
    """A service's list: a registration, and the withdrawal of another."""
    registered = {**presented, "audience": SERVICE, "lifetime": timedelta(days=1)}
    registration = present_jwt(**registered, credentials=[jwt], presentation_id=f"{HOLDER}#{an_id('registration')}")
    withdrawal = present_jwt(
        **registered | {"credentials": None},
        presentation_id=f"{HOLDER}#{an_id('withdrawal')}",
        extra_types=(RETRACTION_TYPE,),
        extra_claims={"retract_jti": f"{HOLDER}#{an_id('earlier')}"},
    )
    return {"seed": an_id("seed"), "timestamp": 2, "entries": {"1": registration, "2": withdrawal}}


def _pretty(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)


def differences() -> list[str]:
    """Say how the files differ from what is made; empty when they don't."""
    made = vectors()
    found: list[str] = []
    for file in sorted({*made, *(each.name for each in OURS.glob("*"))}):
        path = OURS / file
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = f"{made[file]}\n" if file in made else ""
        found += difflib.unified_diff(
            before.splitlines(),
            after.splitlines(),
            f"{file} (as it lies there)",
            f"{file} (as it is made)",
            lineterm="",
            n=0,
        )
    return found


def main() -> int:
    """Compare, or write; 1 when there is a difference."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_vectors", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the files instead of comparing them")
    options = parser.parse_args()
    if options.write:
        return _write()
    found = differences()
    lines = [line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}…" for line in found]
    lines.append(
        "the vectors differ from what is made; if that is meant: make vectors WRITE=1"
        if found
        else f"{len(vectors())} vectors: as they were"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


def _write() -> int:
    OURS.mkdir(parents=True, exist_ok=True)
    made = vectors()
    for file in OURS.glob("*"):
        if file.name not in made:
            file.unlink()
    for name, text in made.items():
        (OURS / name).write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{len(made)} vectors written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
