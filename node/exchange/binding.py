"""Whom a request is about, and what we know of them (ARCHITECTURE §2, inbound, steps 3 and 4).

A request names a citizen by number, a record of ours by its id, or something that an earlier page named. Whose it is, only our own
Patient says. Facts are collected here and judged elsewhere (``decide/``).
"""

import hmac
import logging
from datetime import datetime

from node.audit.pseudonym import pseudonym
from node.exchange.about import About
from node.exchange.allowlist import ByLogicalId, BySearch
from node.exchange.asked import Asked
from node.exchange.decide.question import AgreementFact, CareTeamFact, ConsentFact, Facts, Question, ReferralFact
from node.exchange.facts import FactsUnavailableError, OwnRecords
from node.exchange.holder_ports import Agreements, Emergencies
from node.exchange.ports import Consents
from node.usecases.model import FhirVersion

logger = logging.getLogger(__name__)


class Binding:
    """Binds requests to citizens, and collects what the rules want to know about them.

    Args:
        secret: keys the pseudonyms.
    """

    def __init__(
        self,
        records: OwnRecords,
        consents: Consents,
        emergencies: Emergencies,
        agreements: Agreements,
        *,
        subject: str,
        secret: bytes,
    ) -> None:
        self._records = records
        self._consents = consents
        self._emergencies = emergencies
        self._agreements = agreements
        self._subject = subject
        self._secret = secret

    async def about(self, version: FhirVersion, asked: Asked) -> About | None:
        """Return whom ``asked`` is about; ``None`` when our own server can not say."""
        patient = asked.patient
        try:
            if isinstance(patient, BySearch):
                return self._citizen(patient.bsn, await self._records.records_of(version, patient.bsn), has_all=True)
            named = frozenset({patient.id}) if isinstance(patient, ByLogicalId) else frozenset(patient.patient_ids)
            owners = {await self._records.citizen_of(version, record) for record in sorted(named)}
        except FactsUnavailableError as error:
            logger.warning("our own FHIR server could not say whose record it is", extra={"code": error.code})
            return None
        owner = owners.pop() if len(owners) == 1 else None
        if owner is None:
            return About(bsn=None, records=frozenset(), pseudonym=None, stand_in=self._stand_in(*sorted(named)))
        return self._citizen(owner, named)

    async def facts(self, version: FhirVersion, question: Question, about: About | None, now: datetime) -> Facts:
        """Return what we know of the citizen: their records, their care teams, what they recorded."""
        if about is None:
            return Facts(in_care=None, care_team=CareTeamFact(available=False), consent=ConsentFact(verdict="none"))
        if about.bsn is None or about.pseudonym is None or not about.records:
            await self._take_as_long(version, question, about, now)
            return Facts(in_care=False, care_team=CareTeamFact(), consent=ConsentFact(verdict="none"))
        usecase, ura = question.usecase, question.requester.ura
        bases = usecase.bases_of(question.table) if usecase is not None else ()
        consent = await self._consents.verdict(
            subject=self._subject,
            patient=about.pseudonym,
            ura=ura,
            facility_type=question.requester.facility_type,
            category=usecase.category_of(question.step) if usecase is not None else "",
            now=now,
        )
        agreement = None
        if usecase is not None and "agreement" in bases:
            agreement = await self._agreements.with_requester(subject=self._subject, ura=ura, usecase=usecase.id)
        return Facts(
            in_care=True,
            patient=about.pseudonym,
            care_team=await self._care_team(version, about, about.bsn) if "care_team" in bases else CareTeamFact(),
            referral=await self._referrals(version, about, about.bsn) if "referral" in bases else ReferralFact(),
            agreement=AgreementFact(id=agreement),
            emergency=await self._emergencies.state(grant_id=question.grant_id, patient=about.pseudonym)
            if question.is_emergency
            else "none",
            consent=consent,
        )

    async def _take_as_long(self, version: FhirVersion, question: Question, about: About, now: datetime) -> None:
        """Look up for nobody what is looked up for who is here: how long a no takes tells then nothing either.

        What comes back is not used; a server that can't answer would be a no for who is here too.
        """
        usecase = question.usecase
        bases = usecase.bases_of(question.table) if usecase is not None else ()
        nobody = frozenset({about.stand_in})
        await self._consents.verdict(
            subject=self._subject,
            patient=about.pseudonym or about.stand_in,
            ura=question.requester.ura,
            facility_type=question.requester.facility_type,
            category=usecase.category_of(question.step) if usecase is not None else "",
            now=now,
        )
        if usecase is not None and "agreement" in bases:
            ura = question.requester.ura
            await self._agreements.with_requester(subject=self._subject, ura=ura, usecase=usecase.id)
        try:
            if about.bsn is None:
                await self._records.citizen_of(version, about.stand_in)
            if "care_team" in bases:
                await self._records.care_team(version, nobody)
            if "referral" in bases:
                await self._records.referred_to(version, nobody)
        except FactsUnavailableError as error:
            logger.warning("our own FHIR server did not answer about nobody", extra={"code": error.code})

    async def _referrals(self, version: FhirVersion, about: About, bsn: str) -> ReferralFact:
        try:
            members = await self._records.referred_to(version, await self._everywhere(version, about, bsn))
        except FactsUnavailableError as error:
            logger.warning("our own FHIR server could not show the referrals", extra={"code": error.code})
            return ReferralFact(available=False)
        return ReferralFact(uras=frozenset(member.ura for member in members))

    async def _everywhere(self, version: FhirVersion, about: About, bsn: str) -> frozenset[str]:
        """Return all records of the citizen, also those that are not asked about."""
        return about.records if about.has_all else about.records | await self._records.records_of(version, bsn)

    async def _care_team(self, version: FhirVersion, about: About, bsn: str) -> CareTeamFact:
        """Look at the care teams of all records of the citizen, also those that are not asked about."""
        try:
            members = await self._records.care_team(version, await self._everywhere(version, about, bsn))
        except FactsUnavailableError as error:
            logger.warning("our own FHIR server could not show the care team", extra={"code": error.code})
            return CareTeamFact(available=False)
        return CareTeamFact(uras=frozenset(member.ura for member in members))

    def _citizen(self, bsn: str, records: frozenset[str], *, has_all: bool = False) -> About:
        return About(
            bsn=bsn,
            records=records,
            pseudonym=pseudonym(self._secret, bsn),
            stand_in=self._stand_in(bsn),
            has_all=has_all,
        )

    def _stand_in(self, *asked: str) -> str:
        """Return a logical id of the same length and alphabet for every question; keyed, so that it is nobody's by chance."""
        return hmac.digest(self._secret, f"nobody|{'|'.join(asked)}".encode(), "sha256")[:16].hex()
