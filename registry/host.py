"""Hosting discovery services: take registrations, hand out the log.

Collect, fetch, decide: cheap checks first, so that a stranger can't make us fetch documents for nothing; then verification, the
only await on the network; then the decision, inside the store's transaction.
"""

from collections.abc import Mapping

from credentials.errors import CredentialError
from credentials.vc.presentation import SignedPresentation
from registry.admission import admit, precheck, rejection_of
from registry.entry import Entry
from registry.errors import RejectedError, ServiceStoppedError
from registry.log import PAGE_ENTRIES, cut_page
from registry.messages import MAX_REGISTRATION_BYTES, ListPage
from registry.ports import Clock, Entropy, RegistryStore, Verifier
from registry.service import ServiceDefinition


class RegistryHost:
    """The services that we host."""

    def __init__(
        self,
        services: Mapping[str, ServiceDefinition],
        *,
        store: RegistryStore,
        verifier: Verifier,
        clock: Clock,
        entropy: Entropy,
        stopped: Mapping[str, str] | None = None,
    ) -> None:
        self.services = services
        self._stopped = {} if stopped is None else stopped
        self._store = store
        self._verifier = verifier
        self._clock = clock
        self._entropy = entropy

    async def accept(self, service_id: str, compact: str) -> Entry:
        """Take a registration or a withdrawal.

        Args:
            service_id: where it was posted.
            compact: a JWT presentation of a stranger.

        Returns:
            The entry; when this returns it is stored.

        Raises:
            RejectedError: with the reason; nothing changed.
        """
        service = self._service(service_id)
        try:
            # (1) a message of this kind
            if len(compact) > MAX_REGISTRATION_BYTES:
                raise RejectedError("too_large", f"registration is longer than {MAX_REGISTRATION_BYTES} characters")
            signed = SignedPresentation.parse(compact)
            # (2) what needs no keys
            precheck(signed, service, self._clock.now())
            # (3) signatures, dates and status
            [verified] = await self._verifier.verify([signed], audience=service.id)
            if isinstance(verified, CredentialError):
                raise verified
        except CredentialError as error:
            raise rejection_of(error) from error
        now = self._clock.now()
        # (4) the rules of the service, against what is stored
        return await self._store.accept(
            service.id,
            signed.holder,
            now,
            seed=self._entropy.uuid(),
            decide=lambda current, spent: admit(verified, service, now, current=current, seen_ids=spent),
        )

    async def page(self, service_id: str, after: int) -> ListPage:
        """The log after a number: what every page ends with, 0 for the beginning.

        Raises:
            RejectedError: we don't host this service.
        """
        service = self._service(service_id)
        return cut_page(await self._store.log_after(service.id, after, self._clock.now(), limit=PAGE_ENTRIES))

    def _service(self, service_id: str) -> ServiceDefinition:
        service = self.services.get(service_id)
        if service is None:
            raise RejectedError("unknown_service", "no such discovery service here")
        if service_id in self._stopped:
            raise ServiceStoppedError(self._stopped[service_id])
        return service
