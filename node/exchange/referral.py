"""From referrals in our own record to the organisations to which someone was referred: the legal basis ``referral``.

Counted are running referrals of our patient (R4 ServiceRequest, STU3 ReferralRequest: ``status`` active, ``intent`` order) that were
written at most a year ago, as long as a Dutch referral is good for; one without a date is not counted. Whom they lead to is found
as for care teams (``careteam.py``): collect, fetch, decide.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from node.exchange.careteam import CareTeams, Lead, Period, decode, is_current, resources_of, with_needs
from node.exchange.references import Bases, read_reference
from node.exchange.response import MismatchError
from node.exchange.shapes import ReferenceShape
from node.usecases.model import FhirVersion

GOOD_FOR = timedelta(days=365)
"""How long a referral is good for."""

RESOURCE_TYPE: dict[FhirVersion, str] = {"r4": "ServiceRequest", "stu3": "ReferralRequest"}


class _Referral(msgspec.Struct, frozen=True):
    resourceType: str = ""  # noqa: N815  # FHIR's name
    status: str | None = None
    intent: str | None = None
    subject: ReferenceShape | None = None
    authoredOn: str | None = None  # noqa: N815  # FHIR's name
    occurrencePeriod: Period | None = None  # noqa: N815  # FHIR's name
    performer: tuple[ReferenceShape, ...] = ()
    recipient: tuple[ReferenceShape, ...] = ()


_REFERRAL = msgspec.json.Decoder(_Referral)


def read_referrals(
    bodies: Sequence[bytes], *, fhir_version: FhirVersion, patient_ids: frozenset[str], bases: Bases, now: datetime
) -> CareTeams:
    """Read the pages of ``ServiceRequest?patient=…&status=active`` from our own server; arguments as for care teams.

    Raises:
        MismatchError: a referral of someone else came back: then none of it is believed.
        BrokenAnswerError: not a Bundle of referrals.
    """
    leads = [
        Lead(shape=shape, contained={})
        for body in bodies
        for raw in resources_of(body)
        for shape in _leads(decode(_REFERRAL, raw), RESOURCE_TYPE[fhir_version], patient_ids, bases, now)
    ]
    return with_needs(
        CareTeams(
            leads=tuple(leads),
            known={},
            needs=frozenset(),
            asked=frozenset(),
            version=fhir_version,
            bases=bases,
            now=now,
        )
    )


def _leads(
    referral: Any, name: str, patient_ids: frozenset[str], bases: Bases, now: datetime
) -> tuple[ReferenceShape, ...]:
    if referral.resourceType != name:
        return ()
    subject = read_reference((referral.subject and referral.subject.reference) or "", bases)
    if subject.kind != "local" or subject.type != "Patient" or subject.id not in patient_ids:
        raise MismatchError("other_patient", f"a {name} came back that is not our patient's")
    if referral.status != "active" or referral.intent != "order" or not is_current(referral.occurrencePeriod, now):
        return ()
    written = referral.authoredOn or ""  # text that is no date is before every date, or not current
    if written[:10] < (now - GOOD_FOR).date().isoformat() or not is_current(Period(start=written), now):
        return ()
    return (*referral.performer, *referral.recipient)
