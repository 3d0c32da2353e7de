"""One credential as JWT: verified in a presentation, and issued, each against its bare signatures.

The presentation is the smallest that asks for a token: VP ES256 and one VC ES256 of a did:web issuer. No caches: everything is read and
verified each time. The bare rates are of the same signatures over the same bytes, keys loaded and nothing parsed or written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from credentials.encoding import b64url_encode
from credentials.jws import SignedJWS
from credentials.keys import PublicKey
from credentials.vc.evidence import Evidence
from credentials.vc.issue import issue_jwt_credential
from credentials.vc.present import present_jwt
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_presentation
from tests.bench.measure import Series, pairwise_series, side_by_side
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.support.keys import a_did, a_key

AUDIENCE = "https://gouwe.localhost:8443/oauth2/gouwe"
LIMIT_PERCENT = 45.0
URA_CONTEXT = "https://nuts.nl/credentials/2024"
HOLDER, ISSUER = "oever", "ministry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A presentation, what is needed to verify it, and when."""

    compact: str
    evidence: Evidence
    now: datetime


def issuing(now: datetime) -> Callable[[], str]:
    """Return what issues the credential."""
    issuer, key = a_did(ISSUER), a_key(ISSUER)

    def issue() -> str:
        return issue_jwt_credential(
            issuer=issuer,
            subject_id=a_did(HOLDER),
            types=("NutsUraCredential",),
            subject={"organization": {"ura": "90000102", "name": "De Oever", "city": "Arnhem"}},
            key=key,
            credential_id=f"{issuer}#1",
            now=now,
            expires_at=now + timedelta(days=30),
            contexts=(URA_CONTEXT,),
        )

    return issue


def a_sample(now: datetime) -> Sample:
    """Make the presentation of a token request."""
    holder, key = a_did(HOLDER), a_key(HOLDER)
    compact = present_jwt(
        holder=holder,
        key=key,
        audience=AUDIENCE,
        credentials=[issuing(now)()],
        nonce=b64url_encode(bytes(32)),
        presentation_id=f"{holder}#2",
        now=now,
        lifetime=timedelta(seconds=5),
    )
    keys = {each.kid: each.public for each in (key, a_key(ISSUER))}
    return Sample(compact=compact, evidence=Evidence(keys=keys), now=now)


def verification(sample: Sample) -> Callable[[], object]:
    """Return what reads and verifies the presentation, with every check and no cache."""

    def verify() -> object:
        return verify_presentation(
            SignedPresentation.parse(sample.compact),
            sample.evidence,
            audience=AUDIENCE,
            now=sample.now,
            max_lifetime=timedelta(seconds=5),
        )

    return verify


def bare_verifications(sample: Sample) -> Callable[[], object]:
    """Return what verifies both signatures and does nothing else."""
    presentation = SignedPresentation.parse(sample.compact)
    (credential,) = presentation.credentials
    assert credential.jws is not None  # it is a JWT
    signed = [_bare(presentation.jws, a_key(HOLDER).public), _bare(credential.jws, a_key(ISSUER).public)]
    ecdsa = ec.ECDSA(hashes.SHA256())

    def verify() -> None:
        for key, signature, content in signed:
            key.verify(signature, content, ecdsa)

    return verify


def bare_signing(now: datetime) -> Callable[[], object]:
    """Return what signs as many bytes and does nothing else."""
    content = issuing(now)().rpartition(".")[0].encode()
    key, ecdsa = a_key(ISSUER)._key, ec.ECDSA(hashes.SHA256())
    assert isinstance(key, ec.EllipticCurvePrivateKey)

    def sign() -> bytes:
        return key.sign(content, ecdsa)

    return sign


def _bare(jws: SignedJWS | None, public: PublicKey) -> tuple[ec.EllipticCurvePublicKey, bytes, bytes]:
    assert jws is not None  # both are JWTs
    middle = len(jws.signature) // 2
    r, s = (int.from_bytes(half, "big") for half in (jws.signature[:middle], jws.signature[middle:]))
    key = public._key
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key, encode_dss_signature(r, s), jws.signing_input


async def run(setting: Setting) -> Sequence[Result]:
    """Compare both with their signatures."""
    now = datetime.now(UTC).replace(microsecond=0)
    sample = a_sample(now)
    works = {
        "verified": verification(sample),
        "bare verifications": bare_verifications(sample),
        "issued": issuing(now),
        "bare signing": bare_signing(now),
    }
    measured = side_by_side(works, repetitions=max(5, setting.repetitions), seconds=setting.seconds)
    return [
        _result(
            "A JWT presentation with one JWT credential verified: rate, as a share of its bare signatures",
            measured["verified"],
            measured["bare verifications"],
            "Two signatures, both ES256; caches off.",
        ),
        _result(
            "A JWT credential issued: rate, as a share of its bare signature",
            measured["issued"],
            measured["bare signing"],
            None,
        ),
    ]


def _result(what: str, whole: Series, bare: Series, note: str | None) -> Result:
    return Result(
        group="One credential",
        what=what,
        measured=pairwise_series(bare, whole, lambda raw, full: raw / full * 100),
        unit="%",
        baseline=("bare signatures", bare.scaled(1e6), "µs"),
        ratio=f"{whole.median * 1e6:,.0f} µs each, {1 / whole.median:,.0f} a second",
        target=Target(kind="at least", limit=LIMIT_PERCENT),
        note=note,
    )
