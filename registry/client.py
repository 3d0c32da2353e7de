"""Taking part in discovery services: follow their logs, register our organisations, renew and withdraw.

Following is collect, fetch, decide per page (`registry.sync`, `registry.admission`): every entry is verified here again, and one
that is wrong is reported and never holds up the others. One that can't be verified yet, because a document or status list is
out of reach, is tried again until it expires.

A registration is a wish that is stored first and then carried out, so that a host that is away, or a crash, costs nothing but
time: `RegistryClient.refresh` renews, retries and withdraws whatever is due.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from credentials.did.identifier import DID
from credentials.encoding import b64url_encode
from credentials.errors import CredentialError, NotCurrentError, RevokedError, UnavailableError
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from registry.admission import admit, precheck, rejection_of
from registry.entry import Registered
from registry.errors import PeerLogError, RegistryError, RejectedError, ServiceStoppedError
from registry.host import RegistryHost
from registry.log import NO_SEED
from registry.messages import MAX_PAGE_BYTES, MAX_REGISTRATION_BYTES, ListPage, registration_to_wire
from registry.ports import (
    Candidate,
    Clock,
    Decide,
    Entropy,
    OwnRegistration,
    Peers,
    Pending,
    Refusal,
    Registrants,
    RegistryStore,
    Verifier,
)
from registry.registration import FreshValues, build_registration, build_withdrawal
from registry.schedule import refresh_at, retry_at
from registry.search import parse_conditions
from registry.service import ServiceDefinition
from registry.sync import Cursor, SyncStep, next_step
from registry.transparency.following import LogFollower
from registry.transparency.heads import LogReport
from registry.transparency.hosting import LogHost

MAX_PAGES: Final = 200
"""Pages read in one round; a host that never ends waits for the next one."""
MAX_PENDING: Final = 500
"""Entries of one service kept to try again; a host could fill our disk with more."""
SLICE: Final = 20
"""Entries verified before others get a turn: 5 ms (SPEED §5)."""
SEARCH_LIMIT: Final = 10_000
"""Most registrations that a search returns."""
NONCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowReport:
    """What following one service came to.

    Attributes:
        accepted: entries that were verified and taken, or that we had already.
        refused: entries that were not, with the reason.
        pending: entries that will be tried again.
        forgot: whether the host began a new log, and what we knew was dropped.
        cursor: where we are now.
        log: how following its Merkle log went; None where the definition names no key of one.
    """

    service: str
    accepted: int
    refused: tuple[Refusal, ...]
    pending: int
    forgot: bool
    cursor: Cursor | None
    log: LogReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What became of one registration of ours that was due.

    Attributes:
        withdrawn: whether it was to be withdrawn instead of renewed.
        error: why it failed; None when it succeeded.
    """

    service: str
    holder: DID
    withdrawn: bool
    error: str | None


@dataclass(slots=True)
class _Checked:
    """Entries of a log, sorted by what to do with them."""

    candidates: list[Candidate] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """What one round over a log came to."""

    accepted: int = 0
    refused: list[Refusal] = field(default_factory=list)
    forgot: bool = False
    is_idle: bool = True


class RegistryClient:
    """Our part in discovery services that we, or others, host."""

    def __init__(
        self,
        services: Mapping[str, ServiceDefinition],
        *,
        store: RegistryStore,
        peers: Peers,
        verifier: Verifier,
        registrants: Registrants,
        clock: Clock,
        entropy: Entropy,
        host: RegistryHost | None = None,
        log_host: LogHost | None = None,
        stopped: Mapping[str, str] | None = None,
    ) -> None:
        self.services = services
        self.stopped: Mapping[str, str] = {} if stopped is None else stopped
        self._store = store
        self._peers = peers
        self._verifier = verifier
        self._registrants = registrants
        self._clock = clock
        self._entropy = entropy
        self._host = host
        self._log_host = log_host
        self._tallies: dict[str, _Tally] = {}
        self._resting: dict[str, Cursor | None] = {}  # services of which nothing waits, and where we are in them
        if log_host is not None:
            self._logs = LogFollower(store, peers, log_host.keys, clock, self._take)

    # -- following

    async def follow(self, service_id: str) -> FollowReport:
        """Read what is new in a service's log.

        Side effects: network, store. What was read before an error is kept.

        Raises:
            RejectedError: we don't know the service.
            TransferError: the host could not be reached.
            PeerLogError: its log is wrong.
        """
        service = self._service(service_id)
        accepted, refused, forgot = 0, [], False
        log: LogReport | None = None
        if self._is_hosted_here(service):
            await self._retry_pending(service)  # of a host that took over from another there may be some
        elif self._log_host is not None and service.log_key is not None:
            log, tally = await self._follow_log(service, self._log_host)
            accepted, refused, forgot = tally.accepted, tally.refused, tally.forgot
            if tally.is_idle and service.id in self._resting:
                cursor = self._resting[service.id]
                return FollowReport(
                    service=service.id, accepted=0, refused=(), pending=0, forgot=False, cursor=cursor, log=log
                )
        else:
            retried = await self._retry_pending(service)
            accepted, refused = len(retried.candidates), retried.refused
            for _ in range(MAX_PAGES):
                before = await self._store.cursor(service.id)
                step = next_step(before, await self._page(service, 0 if before is None else before.timestamp))
                checked = await self._check(service, step.entries)
                await self._limit_pending(service, checked)
                now = self._clock.now()
                decided = await self._store.advance(service.id, before, step, checked.candidates, checked.pending, now)
                if decided is None:  # another replica is at it
                    break
                forgot = forgot or step.forget
                accepted += len(checked.candidates) - len(decided)
                refused += [*checked.refused, *decided]
                if not step.again:
                    break
        pending, cursor = (
            len(await self._store.pending(service.id, self._clock.now())),
            await self._store.cursor(service.id),
        )
        if not pending:
            self._resting[service.id] = cursor
        return FollowReport(
            service=service.id,
            accepted=accepted,
            refused=tuple(refused),
            pending=pending,
            forgot=forgot,
            cursor=cursor,
            log=log,
        )

    async def _follow_log(self, service: ServiceDefinition, log_host: LogHost) -> tuple[LogReport, "_Tally"]:
        """Follow a service that has a log; as its mirror or witness also say what we saw."""
        tally = self._tallies[service.id] = _Tally()
        if service.id not in self._resting:
            retried = await self._retry_pending(service)
            tally.accepted, tally.refused = len(retried.candidates), list(retried.refused)
        report = await self._logs.follow(service)
        if log_host.keys.is_mirror(service) or log_host.keys.is_witness(service):
            await log_host.witness(service)
        return report, tally

    async def _take(self, service: ServiceDefinition, seed: str, entries: Sequence[tuple[int, str]]) -> bool:
        """Verify and store messages that are in the log; False when another replica is at it."""
        tally = self._tallies[service.id]
        tally.is_idle = False
        self._resting.pop(service.id, None)
        before = await self._store.cursor(service.id)
        checked = await self._check(service, entries)
        if self._log_host is not None and self._log_host.keys.is_mirror(service):
            _keep_refused(entries, checked, self._clock.now() + service.presentation_max_validity)
        await self._limit_pending(service, checked)
        goes_on = before is not None and before.seed in {NO_SEED, seed}
        known = before.timestamp if before is not None and goes_on else 0
        step = SyncStep(
            forget=before is not None and not goes_on,
            entries=tuple(entries),
            cursor=Cursor(seed=seed, timestamp=max(known, *(number for number, _ in entries))),
            again=False,
        )
        decided = await self._store.advance(
            service.id, before, step, checked.candidates, checked.pending, self._clock.now()
        )
        if decided is None:
            return False
        tally.forgot = tally.forgot or step.forget
        tally.accepted += len(checked.candidates) - len(decided)
        tally.refused += [*checked.refused, *decided]
        return True

    async def search(self, service_id: str, query: Sequence[tuple[str, str]] = ()) -> tuple[Registered, ...]:
        """Find registrations (`registry.search`); without conditions all of them.

        Raises:
            RejectedError: we don't know the service.
            MalformedError: a condition is not one.
        """
        conditions = parse_conditions(query)
        return await self._store.search(self._known(service_id).id, conditions, self._clock.now(), limit=SEARCH_LIMIT)

    async def _page(self, service: ServiceDefinition, after: int) -> ListPage:
        body = await self._peers.get(f"{service.endpoint}?timestamp={after}", max_bytes=MAX_PAGE_BYTES)
        try:
            return ListPage.parse(body)
        except CredentialError as error:
            raise PeerLogError(str(error)) from error

    async def _retry_pending(self, service: ServiceDefinition) -> _Checked:
        waiting = await self._store.pending(service.id, self._clock.now())
        checked = await self._check(service, [(each.timestamp, each.compact) for each in waiting])
        again = {each.timestamp for each in checked.pending}
        settled = [each.timestamp for each in waiting if each.timestamp not in again]
        refusals = await self._store.settle(service.id, checked.candidates, settled, self._clock.now())
        refused = {each.timestamp for each in refusals}
        checked.candidates = [each for each in checked.candidates if each.timestamp not in refused]
        checked.refused += refusals
        return checked

    async def _limit_pending(self, service: ServiceDefinition, checked: _Checked) -> None:
        if not checked.pending:
            return
        room = max(MAX_PENDING - len(await self._store.pending(service.id, self._clock.now())), 0)
        for each in checked.pending[room:]:
            refusal = RejectedError("untrusted", "too many entries of this service wait to be verified")
            checked.refused.append(Refusal(timestamp=each.timestamp, error=refusal))
        del checked.pending[room:]

    async def _check(self, service: ServiceDefinition, entries: Sequence[tuple[int, str]]) -> _Checked:
        """Verify entries, a slice at a time."""
        checked = _Checked()
        for start in range(0, len(entries), SLICE):
            parsed: list[tuple[int, SignedPresentation]] = []
            for timestamp, compact in entries[start : start + SLICE]:
                try:
                    parsed.append((timestamp, self._parsed(service, compact)))
                except RejectedError as error:
                    checked.refused.append(Refusal(timestamp=timestamp, error=error))
            outcomes = await self._verifier.verify([signed for _, signed in parsed], audience=service.id)
            for (timestamp, signed), outcome in zip(parsed, outcomes, strict=True):
                self._sort(service, timestamp, signed, outcome, checked)
            await self._clock.sleep(0)
        return checked

    def _parsed(self, service: ServiceDefinition, compact: str) -> SignedPresentation:
        if len(compact) > MAX_REGISTRATION_BYTES:
            raise RejectedError("too_large", f"entry is longer than {MAX_REGISTRATION_BYTES} characters")
        try:
            signed = SignedPresentation.parse(compact)
        except CredentialError as error:
            raise rejection_of(error) from error
        precheck(signed, service, self._clock.now())
        return signed

    def _sort(
        self,
        service: ServiceDefinition,
        timestamp: int,
        signed: SignedPresentation,
        outcome: VerifiedPresentation | CredentialError,
        checked: _Checked,
    ) -> None:
        if not isinstance(outcome, CredentialError):
            decide = self._decision(service, outcome)
            checked.candidates.append(Candidate(timestamp=timestamp, holder=signed.holder, decide=decide))
        elif _may_pass_later(outcome):
            checked.pending.append(
                Pending(
                    timestamp=timestamp,
                    compact=signed.jws.compact,
                    expires_at=signed.expires_at,
                    reason=str(outcome),
                )
            )
        else:
            checked.refused.append(Refusal(timestamp=timestamp, error=rejection_of(outcome)))

    def _decision(self, service: ServiceDefinition, verified: VerifiedPresentation) -> Decide:
        now = self._clock.now()
        return lambda current, spent: admit(verified, service, now, current=current, seen_ids=spent, source="log")

    # -- our own registrations

    async def register(self, service_id: str, holder: DID, parameters: Mapping[str, Any]) -> OwnRegistration:
        """Register one of our organisations, now and from now on.

        Args:
            service_id: where.
            holder: who.
            parameters: what it says about itself there, as a JSON object.

        Raises:
            RejectedError: we don't know the service or the holder, or the service refuses us.
            NoMatch: the wallet lacks a credential that the service asks for.
            TransferError: the host could not be reached, or said no.

        Whatever is raised after the service was found, the wish stays: `refresh` tries again.
        """
        service = self._service(service_id)
        own = await self._store.join(service.id, holder, parameters, self._clock.now())
        await self._announce(service, own)
        return await self._store.own(service.id, holder) or own

    async def leave(self, service_id: str, holder: DID) -> None:
        """Withdraw one of our organisations; does nothing when it isn't registered.

        Raises:
            RejectedError: we don't know the service.
            RegistryError: the withdrawal was not delivered; `refresh` tries again until the registration expires.
        """
        service = self._service(service_id)
        own = await self._store.leave(service.id, holder, self._clock.now())
        if own is not None:
            await self._withdraw(service, own)

    async def refresh(self) -> tuple[RefreshReport, ...]:
        """Do what is due for our registrations, and remove what has expired. One failure does not stop the others."""
        reports = []
        for own in await self._store.due(self._clock.now()):
            error = None
            try:
                service = self._service(own.service)
                await (self._withdraw(service, own) if own.leaving else self._announce(service, own))
            except (RegistryError, CredentialError) as failure:
                error = str(failure)
            reports.append(RefreshReport(service=own.service, holder=own.holder, withdrawn=own.leaving, error=error))
        await self._store.prune(self._clock.now())
        return tuple(reports)

    async def _announce(self, service: ServiceDefinition, own: OwnRegistration) -> None:
        try:
            registrant = await self._registrants.registrant(own.holder)
            now, fresh = self._clock.now(), self._fresh()
            message = await registrant.signing(
                lambda: build_registration(service, registrant, own.parameters, now, fresh)
            )
            await self._deliver(service, message.compact)
        except (RegistryError, CredentialError) as error:
            await self._note_failure(own, error)
            raise
        now = self._clock.now()
        await self._store.registered(
            service.id,
            own.holder,
            presentation_id=message.presentation_id,
            registered_at=now,
            expires_at=message.expires_at,
            due_at=refresh_at(now, message.expires_at, jitter=self._jitter()),
        )

    async def _withdraw(self, service: ServiceDefinition, own: OwnRegistration) -> None:
        now = self._clock.now()
        if own.presentation_id is not None and own.expires_at is not None and own.expires_at > now:
            try:
                registrant = await self._registrants.registrant(own.holder)
                fresh, presentation_id = self._fresh(), own.presentation_id
                message = await registrant.signing(
                    lambda: build_withdrawal(service, registrant, presentation_id, now, fresh)
                )
                await self._deliver(service, message.compact)
            except (RegistryError, CredentialError) as error:
                await self._note_failure(own, error)
                raise
        await self._store.left(service.id, own.holder)

    async def _deliver(self, service: ServiceDefinition, compact: str) -> None:
        if self._host is not None and service.id in self._host.services:
            await self._host.accept(service.id, compact)
        else:
            await self._peers.post(service.endpoint, registration_to_wire(compact))

    async def _note_failure(self, own: OwnRegistration, error: Exception) -> None:
        due_at = retry_at(self._clock.now(), own.failures + 1, jitter=self._jitter())
        await self._store.failed(own.service, own.holder, error=str(error), due_at=due_at)

    def _fresh(self) -> FreshValues:
        return FreshValues(
            presentation_uuid=self._entropy.uuid(),
            credential_uuid=self._entropy.uuid(),
            nonce=b64url_encode(self._entropy.token(NONCE_BYTES)),
        )

    def _jitter(self) -> float:
        return self._entropy.token(1)[0] / 255

    def _is_hosted_here(self, service: ServiceDefinition) -> bool:
        return self._host is not None and service.id in self._host.services

    def _service(self, service_id: str) -> ServiceDefinition:
        service = self._known(service_id)
        if service_id in self.stopped:
            raise ServiceStoppedError(self.stopped[service_id])
        return service

    def _known(self, service_id: str) -> ServiceDefinition:
        service = self.services.get(service_id)
        if service is None:
            raise RejectedError("unknown_service", "no such discovery service is configured")
        return service


def _keep_refused(entries: Sequence[tuple[int, str]], checked: _Checked, until: datetime) -> None:
    """A mirror serves what the log says, also what it would not act upon itself: others decide for themselves."""
    by_number = dict(entries)
    for each in checked.refused:
        if len(by_number[each.timestamp]) <= MAX_REGISTRATION_BYTES:
            checked.pending.append(
                Pending(
                    timestamp=each.timestamp,
                    compact=by_number[each.timestamp],
                    expires_at=until,
                    reason=str(each.error),
                )
            )


def _may_pass_later(error: CredentialError) -> bool:
    """Whether the fault may be the network's, or a clock's: then the entry is tried again."""
    return isinstance(error, UnavailableError | NotCurrentError) and not isinstance(error, RevokedError)
