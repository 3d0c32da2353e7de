"""Verifying a presentation with one X509Credential and one self-attested credential, against its bare signatures.

The presentation is what ``oever`` sends ``gouwe`` for a token: VP ES256, VC PS256, a chain of leaf, issuing CA and root. The bare
rate is of the same five signatures over the same bytes, the keys loaded and nothing parsed: VP, VC, leaf by CA, CA by root, and
the root's own. No caches: everything is read and verified each time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from credentials.did.certificate_chain import CertificateChain
from credentials.encoding import b64url_encode
from credentials.jws import SignedJWS
from credentials.keys import KeyId, PublicKey, SoftwareKey
from credentials.vc.credential import NUTS_CONTEXT
from credentials.vc.evidence import Evidence
from credentials.vc.issue import issue_x509_credential, self_attested
from credentials.vc.present import present_jwt
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_presentation
from examples.region.certificates import RegionCertificates
from examples.region.organisations import OEVER
from tests.bench.measure import Series, pairwise_series, side_by_side
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.support.keys import a_did, a_key

AUDIENCE = "https://gouwe.localhost:8443/oauth2/gouwe"
LIMIT_PERCENT = 35.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A presentation and what is needed to verify it."""

    compact: str
    keys: Mapping[KeyId, PublicKey]
    now: datetime
    chain: CertificateChain


def a_sample(certificates: RegionCertificates, now: datetime) -> Sample:
    """Make the presentation of a token request."""
    files = certificates.organisations[OEVER.key]
    chain = CertificateChain.from_pem(files.uzi_chain.read_bytes())
    holder, key = a_did(OEVER.key), a_key(OEVER.key)
    x509_key = SoftwareKey.from_pem(files.uzi_key.read_bytes(), KeyId(f"{holder}#certificate"), alg="PS256")
    credential = issue_x509_credential(chain=chain, key=x509_key, subject_id=holder, credential_id="1", now=now)
    employee = self_attested(
        holder=holder,
        types=("NutsEmployeeCredential",),
        subject={"identifier": "U-2001", "name": "M. de Wit", "roleName": "30.000"},
        credential_id="2",
        now=now,
        contexts=(NUTS_CONTEXT,),
    )
    compact = present_jwt(
        holder=holder,
        key=key,
        audience=AUDIENCE,
        credentials=[credential, employee],
        nonce=b64url_encode(bytes(32)),
        presentation_id=f"{holder}#3",
        now=now,
        lifetime=timedelta(seconds=5),
    )
    return Sample(compact=compact, keys={key.kid: key.public}, now=now, chain=chain)


def verification(sample: Sample) -> Callable[[], object]:
    """Return what reads and verifies the presentation, with every check and no cache."""

    def verify() -> object:
        presentation = SignedPresentation.parse(sample.compact)
        return verify_presentation(
            presentation,
            Evidence(keys=sample.keys),
            audience=AUDIENCE,
            now=sample.now,
            max_lifetime=timedelta(seconds=5),
        )

    return verify


def bare_signatures(sample: Sample) -> Callable[[], object]:
    """Return what verifies the same signatures and does nothing else."""
    presentation = SignedPresentation.parse(sample.compact)
    vp = presentation.jws
    vc = next(each.jws for each in presentation.credentials if each.jws is not None)
    assert isinstance(vc, SignedJWS)
    holder = a_key(OEVER.key).public._key
    assert isinstance(holder, ec.EllipticCurvePublicKey)
    middle = len(vp.signature) // 2
    vp_signature = encode_dss_signature(
        int.from_bytes(vp.signature[:middle], "big"), int.from_bytes(vp.signature[middle:], "big")
    )
    certificates = [each.certificate for each in sample.chain.certificates]
    issuers = [*certificates[1:], certificates[-1]]
    signed = []
    for certificate, issuer in zip(certificates, issuers, strict=True):
        key, algorithm = issuer.public_key(), certificate.signature_hash_algorithm
        assert isinstance(key, rsa.RSAPublicKey)
        assert algorithm is not None
        signed.append((key, certificate.signature, certificate.tbs_certificate_bytes, algorithm))
    leaf = certificates[0].public_key()
    assert isinstance(leaf, rsa.RSAPublicKey)
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
    sha256, ecdsa, pkcs1 = hashes.SHA256(), ec.ECDSA(hashes.SHA256()), padding.PKCS1v15()

    def verify() -> None:
        holder.verify(vp_signature, vp.signing_input, ecdsa)
        leaf.verify(vc.signature, vc.signing_input, pss, sha256)
        for key, signature, content, algorithm in signed:
            key.verify(signature, content, pkcs1, algorithm)

    return verify


async def run(setting: Setting) -> Sequence[Result]:
    """Compare the two."""
    sample = a_sample(setting.pair.certificates, datetime.now(UTC).replace(microsecond=0))
    measured = side_by_side(
        {"whole": verification(sample), "bare": bare_signatures(sample)},
        repetitions=max(5, setting.repetitions),
        seconds=setting.seconds / 2,
    )
    whole, bare = measured["whole"], measured["bare"]
    share: Series = pairwise_series(bare, whole, lambda raw, full: raw / full * 100)
    return [
        Result(
            group="Verification",
            what="A JWT presentation with an X509Credential and a self-attested one: rate, as a share of its bare signatures",
            measured=share,
            unit="%",
            baseline=("bare signatures", bare.scaled(1e6), "µs"),
            ratio=f"{whole.median * 1e6:,.0f} µs to read and verify it, {1 / whole.median:,.0f} a second",
            target=Target(kind="at least", limit=LIMIT_PERCENT),
            note="Five signatures: VP (ES256), VC (PS256), leaf, issuing CA and root certificates (RSA 2048); caches off.",
        )
    ]
