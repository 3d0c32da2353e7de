"""Before anything is sent: may this question be asked, and whom (ARCHITECTURE §2, outbound, steps 1 and 2).

Asked are those who take part in the care by our own record, or whom the caller names; never "everybody". Who is not asked is said, with
the reason.
"""

from collections.abc import Sequence

from node.exchange.events import NotAsked
from node.exchange.facts import FactsUnavailableError, OwnRecords
from node.exchange.peer_health import PeerHealth
from node.exchange.ports import Registered
from node.exchange.question import Question
from node.exchange.under_way import Holder, Place
from node.usecases.model import Step, Table, UseCase
from node.usecases.plan import choose_table
from node.web.replies import RequestError
from registry.localisation import FoundBy, Member, localise

MAX_PLACES = 3
"""Addresses of one organisation that are tried."""


class Planner:
    """Plans questions of one organisation.

    Args:
        own_ura: number of our organisation; ``own_type`` its Vektis code.
        records: our own FHIR servers, for localisation by care team.
        health: which addresses kept failing: the others of an organisation come first.
    """

    def __init__(
        self, *, own_ura: str, own_type: str, registered: Registered, records: OwnRecords, health: PeerHealth
    ) -> None:
        self._own_ura = own_ura
        self._own_type = own_type
        self._registered = registered
        self._records = records
        self._health = health

    def check(self, usecase: UseCase, question: Question) -> None:
        """Check what the use case itself says about a question.

        Raises:
            RequestError: 400 or 403, naming the member.
        """
        # (1) - (3) who asks, and for what
        tables = self.check_asker(usecase, question.purpose, question.user.role)
        # (4) these parts
        known = {step.id: step for table in tables for step in table.steps}
        if not set(question.steps or ()) <= known.keys():
            raise RequestError(
                400, "unknown_step", "steps: not all of them are in this use case", f"known: {', '.join(sorted(known))}"
            )
        # (5) what is given on request, for a purpose that suffices for that
        self.check_more(usecase, [known[step] for step in question.steps or ()], question.purpose, "purpose")

    def check_more(self, usecase: UseCase, steps: Sequence[Step], purpose: str, member: str) -> None:
        """Check that what is given on request is asked for a purpose that suffices for that.

        Raises:
            RequestError: 403, naming ``member``, where the purpose was said.
        """
        more = any(step.tier == "on_request" for step in steps)
        suffice = None if usecase.on_request is None else usecase.on_request.purposes
        if more and suffice is not None and purpose not in suffice:
            raise RequestError(
                403,
                "purpose_not_allowed",
                f"{member}: does not suffice for what is given on request",
                f"one of {', '.join(suffice)}",
            )

    def check_asker(self, usecase: UseCase, purpose: str, role: str) -> Sequence[Table]:
        """Return the tables by which our organisation asks, when this person may ask for this purpose.

        Raises:
            RequestError: 403, naming the member.
        """
        # (1) our kind of organisation asks in this use case
        tables = [table for table in usecase.tables if self._own_type in table.asker_types]
        if not tables:
            raise RequestError(
                403, "organisation_not_allowed", "subject: this kind of organisation asks nothing in this use case"
            )
        # (2) for this purpose
        if purpose not in usecase.purposes:
            raise RequestError(
                403, "purpose_not_allowed", "purpose: not one of this use case", f"one of {', '.join(usecase.purposes)}"
            )
        # (3) this person
        roles = sorted({each for table in tables for each in usecase.roles_of(table)})
        if role not in roles:
            raise RequestError(
                403, "role_not_allowed", "user.role: people in this role may not ask this", f"one of {', '.join(roles)}"
            )
        return tables

    async def plan(self, usecase: UseCase, question: Question) -> tuple[Sequence[Holder], Sequence[NotAsked]]:
        """Return who is asked and who is not.

        Raises:
            RequestError: our own record can not say who takes part in the care.
        """
        found_by: FoundBy = "care_team"
        if question.holders is not None:
            found_by = "named"
            members = [Member(ura=ura, name="") for ura in question.holders]
        else:
            members = await self._care_team(question.patient.value)
        return self._holders(usecase, members, found_by, question.user.role)

    def locate(self, usecase: UseCase, ura: str, role: str) -> Holder:
        """Return one organisation as it is to be asked.

        Raises:
            RequestError: 404, it does not take part; 403, not by this person.
        """
        holders, not_asked = self._holders(usecase, [Member(ura=ura, name="")], "named", role)
        if holders:
            return holders[0]
        reason = not_asked[0].reason if not_asked else "not_registered"
        raise RequestError(
            403 if reason == "role_not_allowed" else 404,
            reason,
            "this organisation can not be asked in this use case",
            "see: hazel directory search",
        )

    def _holders(
        self, usecase: UseCase, members: Sequence[Member], found_by: FoundBy, role: str
    ) -> tuple[list[Holder], list[NotAsked]]:
        located = localise(
            members,
            self._registered.directory,
            service=usecase.discovery_service,
            versions=("r4", "stu3"),
            own_ura=self._own_ura,
            found_by=found_by,
        )
        holders: list[Holder] = []
        not_asked = [NotAsked(ura=each.ura or "", name=each.name, reason=each.reason) for each in located.not_asked]
        for asked in located.asked:
            organisation = asked.endpoint.organisation
            table = choose_table(
                usecase,
                asker_type=self._own_type,
                holder_type=organisation.facility_type or "",
                offered=tuple(organisation.fhir_bases),
            )
            reason = "not_in_use_case" if table is None else None
            if table is not None and role not in usecase.roles_of(table):
                reason = "role_not_allowed"
            if not usecase.admits_peer(asked.ura):
                reason = "not_in_pilot"
            if table is None or reason is not None:
                not_asked.append(NotAsked(ura=asked.ura, name=asked.name, reason=reason or ""))
                continue
            first, *others = self._places(usecase, asked.ura, table)
            holders.append(
                Holder(
                    ura=asked.ura,
                    name=asked.name,
                    table=table,
                    base=first.base,
                    authorization_server=first.authorization_server,
                    found_by=asked.found_by,
                    others=tuple(others),
                )
            )
        return holders, not_asked

    def _places(self, usecase: UseCase, ura: str, table: Table) -> list[Place]:
        """Return where ``ura`` can be asked by ``table``: its newest registration first, what kept failing last."""
        found = self._registered.directory.endpoints(ura, usecase.discovery_service, (table.fhir_version,))
        places = dict.fromkeys(
            Place(base=each.fhir_base, authorization_server=each.authorization_server)
            for each in found
            if each.organisation.facility_type in table.holder_types
        )
        is_away = self._health.is_away
        ordered = sorted(places, key=lambda each: is_away(each.base) or is_away(each.authorization_server))
        return ordered[:MAX_PLACES]

    async def _care_team(self, bsn: str) -> list[Member]:
        """Return the organisations in our own care teams of the patient."""
        if not self._records.versions:
            raise RequestError(
                400, "no_own_records", "holders: without a FHIR server of our own, name the organisations to ask"
            )
        members: dict[str, Member] = {}
        try:
            for version in self._records.versions:
                records = await self._records.records_of(version, bsn)
                for each in await self._records.care_team(version, records) if records else ():
                    members.setdefault(each.ura, Member(ura=each.ura, name=each.name))
        except FactsUnavailableError as error:
            raise RequestError(
                502,
                "localisation_unavailable",
                "our own FHIR server can not say who takes part in the care",
                "name the organisations to ask in `holders`, or see: hazel status",
            ) from error
        return list(members.values())
