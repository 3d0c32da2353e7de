"""What is believed: keys, signatures, identifiers, credentials and presentations.

Pure: bytes, values, keys and ``now`` (aware UTC) in; values, or one `CredentialError`, out. No sockets, files or
clock. Every message has one total parser; ``Signed…`` is parsed and unverified, ``Verified…`` was checked and comes
from `credentials.vc.verify` only. Checks raise; none returns a boolean that could be dropped.

====================================  ==================================================================
`errors`, `unavailable`               the error tree; what stands for evidence that could not be had
`fields`, `encoding`                  strict JSON, typed reads; base64url, base64, canonical JSON
`keys`, `ports`                       JWK, thumbprints, algorithms; what signing asks of the outside
`jws`, `claims`                       compact JWS; times, and the one clock skew
`did.identifier`, `did.document`      syntax; documents and their keys
`did.did_web`                         did:web to the URL of its document
`did.did_key`, `did.did_jwk`          a DID that is its key
`did.certificate_chain`, `did.did_x509`  chains of X.509 certificates; did:x509 to a key
`x509`                                any order to one chain; revocation lists, deny lists, the check
`vc.credential`, `vc.presentation`    both formats, both dialects, unverified and verified
`vc.verify`, `vc.x509_credential`     the numbered checks; rules of the X509Credential
`vc.type_rules`                       what a type asks besides, of whoever issued it
`vc.evidence`, `vc.signature`         what it takes to verify; whose key signed
`vc.issue`, `vc.present`              make credentials and presentations
`jsonld`                              JSON-LD: contexts, canonical form, JsonWebSignature2020
`status`                              status lists: entries, lists, the check, and how to make them
`types`                               what each type of credential has to say: JSON Schemas, and an operator's own
`query`                               presentation definitions: match, submit, check a submission
====================================  ==================================================================

A session, with what the caller fetched::

    presentation = SignedPresentation.parse(assertion)
    evidence = await fetch(Needed.of(presentation))        # the only wait; not in this package
    verified = verify_presentation(presentation, evidence, audience=our_issuer_url, now=clock.now())
"""

from credentials.errors import CredentialError, MalformedError, NotCurrentError, UntrustedError

__all__ = ["CredentialError", "MalformedError", "NotCurrentError", "UntrustedError"]
