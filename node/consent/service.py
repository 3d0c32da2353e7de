"""Consents as callers see them: FHIR create, read, update, search, and who may see what. Every change is audited first."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from credentials.errors import MalformedError
from node.audit.asking import patient_of
from node.audit.fhir import Site
from node.audit.log import AuditLog
from node.audit.pseudonym import pseudonym
from node.audit.record import AuditRecord, Outcome
from node.consent.book import ConsentBook
from node.consent.consent import Consent
from node.consent.decide import who_may
from node.consent.store import ConflictError, ConsentStore, StoredConsent, TooManyConsentsError, UnknownConsentError
from node.ports import Clock, Entropy
from node.web.replies import RequestError

Organisations = Callable[[str], Awaitable[Iterable[tuple[str, str | None, str | None]]]]
"""Subject to (URA, name, kind) of those who could ask it for data."""

Sites = Callable[[str], Awaitable[Site]]


class ConsentService:
    """Keeps and explains consents.

    Args:
        store: where they are.
        book: what the request path reads; told about every change.
        log: changes are promised here before they are made.
        sites: subject name to who that is.
        organisations: who could ask; for who-may.
        pseudonym_secret: the vault's ``pseudonym``.
    """

    def __init__(
        self,
        *,
        store: ConsentStore,
        book: ConsentBook,
        log: AuditLog,
        sites: Sites,
        organisations: Organisations,
        pseudonym_secret: bytes,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._book = book
        self._log = log
        self._sites = sites
        self._organisations = organisations
        self._secret = pseudonym_secret
        self._clock = clock
        self._entropy = entropy

    async def create(self, subject: str, resource: object, caller: str) -> StoredConsent:
        """Keep a new consent.

        Raises:
            RequestError: 422 for a resource we don't understand or that is another holder's; 409 when there are too many.
            AuditUnavailableError: the change can't be recorded, so it is not made.
        """
        consent, body = await self._parse(subject, resource)
        patient = pseudonym(self._secret, consent.bsn)
        identifier = self._entropy.uuid()
        return await self._change(
            subject, patient, f"create Consent/{identifier}", caller,
            self._store.create(subject, identifier, patient, body, self._clock.now()),
        )  # fmt: skip

    async def update(
        self, subject: str, identifier: str, resource: object, caller: str, *, expected: int | None
    ) -> StoredConsent:
        """Keep the next version of a consent; withdrawing one is an update with status ``inactive``.

        Raises:
            RequestError: 404 unknown, 412 changed by somebody else, 422 not understood or about another citizen.
            AuditUnavailableError: the change can't be recorded, so it is not made.
        """
        consent, body = await self._parse(subject, resource)
        if consent.id != identifier:
            raise RequestError(422, "invalid_consent", "Consent.id is not the id of the address")
        before = await self.read(subject, identifier)
        if before.patient != pseudonym(self._secret, consent.bsn):
            raise RequestError(422, "invalid_consent", "a consent does not change its citizen", "make a new one")
        return await self._change(
            subject, before.patient, f"update Consent/{identifier}", caller,
            self._store.update(subject, identifier, body, self._clock.now(), expected=expected),
        )  # fmt: skip

    async def read(self, subject: str, identifier: str, version: int | None = None) -> StoredConsent:
        """Return a consent.

        Raises:
            RequestError: 404.
        """
        try:
            return await self._store.read(subject, identifier, version)
        except UnknownConsentError as error:
            raise _unknown() from error

    async def search(self, subject: str, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """Return a searchset of one citizen's consents; ``patient-id`` (or ``patient``) is required, ``status`` narrows.

        Raises:
            RequestError: 400.
        """
        given = _once(pairs, {"patient-id", "patient", "patient.identifier", "status"})
        statuses = frozenset(given.pop("status").split(",")) if "status" in given else None
        stored = await self._store.of_patient(subject, self._patient(given))
        entries = [
            {
                "fullUrl": f"urn:uuid:{one.id}",
                "resource": one.resource,
                "search": {"mode": "match"},
            }
            for one in stored
            if statuses is None or one.resource["status"] in statuses
        ]
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        if entries:
            bundle["entry"] = entries
        return bundle

    async def who_may(self, subject: str, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """List per organisation and data category what is allowed and on which basis.

        Raises:
            RequestError: 400.
        """
        patient = self._patient(_once(pairs, {"patient-id", "patient", "patient.identifier"}))
        consents = await self._book.for_patient(subject, patient)
        lines = who_may(consents, await self._organisations(subject), now=self._clock.now())
        return {"patient": patient, "entries": [line.to_json() for line in lines]}

    def _patient(self, given: Mapping[str, str]) -> str:
        if len(given) != 1:
            raise RequestError(400, "patient", "patient-id is required, once")
        return patient_of(next(iter(given.values())), self._secret)

    async def _parse(self, subject: str, resource: object) -> tuple[Consent, Mapping[str, Any]]:
        try:
            consent = Consent.parse(resource)
        except MalformedError as error:
            raise RequestError(
                422, "invalid_consent", str(error), "see docs: which part of FHIR Consent is understood"
            ) from error
        site = await self._sites(subject)
        if consent.holders and site.ura not in consent.holders:
            raise RequestError(422, "invalid_consent", "Consent.organization is another organisation than this one")
        assert isinstance(resource, Mapping)  # Consent.parse saw to it
        return consent, resource

    async def _change(
        self, subject: str, patient: str, what: str, caller: str, change: Awaitable[StoredConsent]
    ) -> StoredConsent:
        """Promise the change to the log, make it, and tell how it ended."""
        try:
            receipt = await self._log.promise(
                AuditRecord(
                    kind="consent",
                    direction="local",
                    subject=subject,
                    at=self._clock.now(),
                    decision="permit",
                    code="consent_changed",
                    patient=patient,
                    interaction=what,
                    user_evidence=f"caller {caller}",
                )
            )
        except BaseException:
            if hasattr(change, "close"):
                change.close()
            raise
        state = "failed"
        try:
            stored = await change
            state = "done"
        except UnknownConsentError as error:
            state = "refused"
            raise _unknown() from error
        except ConflictError as error:
            state = "refused"
            raise RequestError(412, "version_conflict", "the consent was changed meanwhile", "read it again") from error
        except TooManyConsentsError as error:
            state = "refused"
            raise RequestError(409, "too_many_consents", "this citizen has too many consents here") from error
        finally:
            self._book.forget()
            self._log.outcome(receipt, Outcome(state=state))
        return stored


def _unknown() -> RequestError:
    return RequestError(404, "unknown_consent", "there is no such consent")


def _once(pairs: Iterable[tuple[str, str]], known: set[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise RequestError(400, "unknown_parameter", "an unknown parameter", f"known: {', '.join(sorted(known))}")
        if name in given:
            raise RequestError(400, "repeated_parameter", f"{name} is given twice")
        given[name] = value
    return given
