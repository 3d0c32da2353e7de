"""Verifying a JSON-LD presentation with one JSON-LD credential, against bare canonicalisation.

The presentation is what asks for a token: a credential with a status entry, and both proofs. The bare rate is of the two canonical
forms that have to be made, of the presentation with the credential in it and of the credential, each with its proof, and of nothing
else: no signatures, no reading, no checks. No caches of ours but the meaning of the embedded contexts, which both have.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from credentials.encoding import b64url_encode
from credentials.fields import parse_json
from credentials.jsonld.canonical import canonical_nquads
from credentials.jsonld.proof import Proof, canonical_options, sign_document
from credentials.status.build import bits_with, status_entry, status_list_document
from credentials.status.lists import StatusList
from credentials.status.verify import verify_status_list
from credentials.vc.credential import NUTS_CONTEXT
from credentials.vc.evidence import Evidence
from credentials.vc.issue import issue_ldp_credential
from credentials.vc.present import present_ldp
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import verify_presentation
from tests.bench.measure import Series, pairwise_series, side_by_side
from tests.bench.result import Result, Target
from tests.bench.setting import Setting
from tests.support.keys import a_did, a_key

AUDIENCE = "https://gouwe.localhost:8443/oauth2/gouwe"
LIST_URL = "https://ministry.localhost:8443/statuslist/1"
LIMIT_PERCENT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A presentation and what is needed to verify it."""

    text: str
    evidence: Evidence
    now: datetime


def a_sample(now: datetime) -> Sample:
    """Make the presentation of a token request."""
    holder, key, issuer, issuer_key = a_did("oever"), a_key("oever"), a_did("ministry"), a_key("ministry")
    credential = issue_ldp_credential(
        issuer=issuer,
        subject_id=holder,
        types=("NutsOrganizationCredential",),
        subject={"organization": {"name": "Huisartsenpraktijk De Oever", "city": "Arnhem"}},
        key=issuer_key,
        credential_id=f"{issuer}#1",
        now=now,
        expires_at=now + timedelta(days=30),
        contexts=(NUTS_CONTEXT,),
        statuses=(status_entry(LIST_URL, 7),),
    )
    presentation = present_ldp(
        holder=holder,
        key=key,
        audience=AUDIENCE,
        credentials=[credential],
        nonce=b64url_encode(bytes(32)),
        presentation_id=f"{holder}#2",
        now=now,
        expires=now + timedelta(seconds=5),
    )
    document = status_list_document(
        url=LIST_URL,
        issuer=issuer,
        list_id=f"{issuer}#3",
        bits=bits_with(()),
        issued_at=now,
        expires_at=now + timedelta(days=1),
    )
    keys = {each.kid: each.public for each in (key, issuer_key)}
    signed = StatusList.parse(sign_document(document, issuer_key, created=now))
    published = verify_status_list(signed, url=LIST_URL, evidence=Evidence(keys=keys), now=now)
    return Sample(
        text=json.dumps(presentation), evidence=Evidence(keys=keys, status_lists={LIST_URL: published}), now=now
    )


def verification(sample: Sample) -> Callable[[], object]:
    """Return what reads and verifies the presentation, with every check."""

    def verify() -> object:
        presentation = SignedPresentation.parse(parse_json(sample.text))
        return verify_presentation(
            presentation, sample.evidence, audience=AUDIENCE, now=sample.now, max_lifetime=timedelta(seconds=5)
        )

    return verify


def bare_canonicalisation(sample: Sample) -> Callable[[], object]:
    """Return what makes the two canonical forms and does nothing else."""
    whole = parse_json(sample.text)
    parts = [
        ({name: value for name, value in document.items() if name != "proof"}, Proof.parse(document).options)
        for document in (whole, whole["verifiableCredential"])
    ]

    def canonicalise() -> None:
        for document, options in parts:
            canonical_nquads(document)
            canonical_options(options)

    return canonicalise


async def run(setting: Setting) -> Sequence[Result]:
    """Compare the two."""
    sample = a_sample(datetime.now(UTC).replace(microsecond=0))
    measured = side_by_side(
        {"whole": verification(sample), "bare": bare_canonicalisation(sample)},
        repetitions=max(5, setting.repetitions),
        seconds=setting.seconds / 2,
    )
    whole, bare = measured["whole"], measured["bare"]
    share: Series = pairwise_series(bare, whole, lambda raw, full: raw / full * 100)
    return [
        Result(
            group="Verification",
            what="A JSON-LD presentation with one JSON-LD credential: rate, as a share of bare canonicalisation",
            measured=share,
            unit="%",
            baseline=("bare canonicalisation", bare.scaled(1e6), "µs"),
            ratio=f"{whole.median * 1e6:,.0f} µs to read and verify it, {1 / whole.median:,.0f} a second",
            target=Target(kind="at least", limit=LIMIT_PERCENT),
            note="Two documents, each with its proof, and two signatures (ES256); signatures and status are checked each time.",
        )
    ]
