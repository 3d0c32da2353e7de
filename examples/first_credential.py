"""A first credential: one organisation says something, a second one shows it, a third one believes it. Runs without a network.

    python -m examples.first_credential

Three parties, each with an identifier and a key. What the network would do is done by hand here: each party's keys stand in a
document under its identifier, and whoever checks a signature looks them up there.
"""

import json
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from credentials.did.did_web import document_url
from credentials.did.document import DIDDocument, build_document
from credentials.did.identifier import DID
from credentials.encoding import b64url_decode, b64url_encode
from credentials.errors import CredentialError
from credentials.jws import compact_json
from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.query import PresentationSubmission, build_submission, explain, fulfil, match_wallet
from credentials.query.definition import PresentationDefinition
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential
from credentials.vc.evidence import Evidence, Needed
from credentials.vc.issue import issue_jwt_credential
from credentials.vc.present import present_jwt
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.verify import verify_presentation

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""The clock of this story. Nothing that decides about trust reads a clock of its own."""

# What the hospital asks of whoever wants data: an organisation credential, issued by the registrar and nobody else.
ASKED = b"""
{
  "id": "who_are_you",
  "input_descriptors": [{
    "id": "organization",
    "name": "The organisation that asks",
    "constraints": {"fields": [
      {"path": ["$.type"], "filter": {"type": "string", "const": "NutsOrganizationCredential"}},
      {"path": ["$.issuer"], "filter": {"type": "string", "const": "did:web:registrar.example"}},
      {"id": "name", "path": ["$.credentialSubject[0].organization.name"], "filter": {"type": "string"}}
    ]}
  }]
}
"""


class Party:
    """Somebody with an identifier and a key."""

    def __init__(self, did: str) -> None:
        """Make the key; it never leaves this object."""
        self.did = DID(did)
        self.key = SoftwareKey.generate(KeyId(f"{did}#key-1"))

    def document(self) -> bytes:
        """What anybody finds at `document_url` of the identifier: the public half of the key, and no more."""
        return compact_json(build_document(self.did, [(self.key.kid, self.key.public)]))


def story(tell: Callable[[str], None]) -> None:
    """Tell it, line by line."""
    registrar, practice, hospital = (Party(f"did:web:{name}.example") for name in ("registrar", "practice", "hospital"))
    published = {party.did: party.document() for party in (registrar, practice, hospital)}

    tell("1. An identifier says where a public key is found.")
    tell(f"   {registrar.did} -> {document_url(registrar.did)}")

    tell("2. The registrar knows the practice, and says so: it signs a credential about it.")
    credential = issue_jwt_credential(
        issuer=registrar.did,
        subject_id=practice.did,
        types=["NutsOrganizationCredential"],
        subject={"organization": {"name": "Huisartsenpraktijk De Gouwe", "city": "Gouda"}},
        key=registrar.key,
        credential_id=f"{registrar.did}#{uuid.uuid4()}",
        now=NOW,
        expires_at=NOW + timedelta(days=365),
        contexts=[NUTS_CONTEXT],
    )
    wallet = [SignedCredential.parse(credential)]
    tell(f"   {len(credential)} characters, kept by the practice; the registrar is not asked again.")

    tell("3. The hospital says what it wants to know, and from whom it believes it.")
    asked = PresentationDefinition.parse(ASKED)
    match = match_wallet(asked, wallet)
    tell(f"   The practice finds {len(match.credentials)} credential that fits: it is called {match.claims['name']}.")

    tell("4. The practice shows it, in a presentation that it signs: for this hospital, for five seconds, once.")
    presentation = present_jwt(
        holder=practice.did,
        key=practice.key,
        audience=hospital.did,
        credentials=[each.raw for each in match.credentials],
        nonce=uuid.uuid4().hex,
        presentation_id=f"{practice.did}#{uuid.uuid4()}",
        now=NOW,
        lifetime=timedelta(seconds=5),
    )
    submission = compact_json(build_submission(asked, match, submission_id=str(uuid.uuid4())))

    def verify(received: str, *, by: Party = hospital, at: datetime = NOW) -> VerifiedPresentation:
        """Read, collect whose keys it takes, look those up, check. Only what comes out of here is believed."""
        signed = SignedPresentation.parse(received)
        keys: dict[KeyId, PublicKey] = {}
        for did in Needed.of(signed).dids:  # here a node would use the network
            keys.update(DIDDocument.parse(published[did], did).assertion_keys)
        return verify_presentation(
            signed, Evidence(keys=keys), audience=by.did, now=at, max_lifetime=timedelta(seconds=5)
        )

    tell("5. The hospital checks every signature, and that what was shown is what it asked.")
    verified = verify(presentation)
    claims = fulfil(asked, PresentationSubmission.parse(submission), verified)
    tell(f"   It is {claims['name']}: the registrar says so, and only the practice could show it.")

    tell("6. And what does not work:")

    def refuse(what: str, attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except CredentialError as error:
            tell(f"   refused, {what}: {error}")
        else:
            raise AssertionError(what)

    refuse("shown to somebody else", lambda: verify(presentation, by=registrar))
    refuse("shown a minute later", lambda: verify(presentation, at=NOW + timedelta(minutes=1)))
    refuse("made to last a second longer", lambda: verify(_spoil(presentation)))
    stolen = present_jwt(
        holder=hospital.did,
        key=hospital.key,
        audience=hospital.did,
        credentials=[credential],
        nonce=uuid.uuid4().hex,
        presentation_id=f"{hospital.did}#{uuid.uuid4()}",
        now=NOW,
        lifetime=timedelta(seconds=5),
    )
    refuse("shown by somebody it is not about", lambda: verify(stolen))

    own_word = SignedCredential.parse(
        issue_jwt_credential(
            issuer=practice.did,
            subject_id=practice.did,
            types=["NutsOrganizationCredential"],
            subject={"organization": {"name": "Ministerie van Volksgezondheid", "city": "Den Haag"}},
            key=practice.key,
            credential_id=f"{practice.did}#{uuid.uuid4()}",
            now=NOW,
            expires_at=None,
            contexts=[NUTS_CONTEXT],
        )
    )
    (why,) = explain(asked, [own_word])
    tell(f"   does not fit, a credential that the practice gives itself: {why.reason}")


def _spoil(compact: str) -> str:
    """Let it be valid for longer than was signed, and leave the signature as it was."""
    header, payload, signature = compact.split(".")
    claims = json.loads(b64url_decode(payload))
    claims["exp"] += 1
    claims["nbf"] += 1
    return ".".join((header, b64url_encode(compact_json(claims)), signature))


def main() -> int:
    """Tell the story on standard output."""
    story(print)
    return 0


if __name__ == "__main__":
    sys.exit(main())
