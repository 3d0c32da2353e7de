"""What becomes of our registrations when a key or an organisation goes out of service.

A registration that was signed with a compromised key is one that nobody can verify any more: it is made anew at once. An organisation that
is deactivated withdraws first, while its keys still verify.
"""

import logging

from credentials.errors import CredentialError
from node.identity.key_changes import OwnKey
from node.identity.subjects import Subject
from registry.client import RegistryClient
from registry.errors import RegistryError
from registry.ports import RegistryStore

logger = logging.getLogger(__name__)


class Renewal:
    """Registers anew, or withdraws, wherever an organisation is registered."""

    def __init__(self, client: RegistryClient, store: RegistryStore) -> None:
        self._client = client
        self._store = store

    async def register_anew(self, subject: str, key: OwnKey) -> None:
        """Register again what ``key`` signed; what fails is tried again like every registration."""
        for service in self._client.services:
            own = await self._store.own(service, key.did)
            if own is None or own.leaving:
                continue
            try:
                await self._client.register(service, key.did, own.parameters)
            except (RegistryError, CredentialError) as error:
                logger.warning(
                    "not registered anew yet",
                    extra={"subject": subject, "service": service, "error": type(error).__name__},
                )

    async def withdraw(self, subject: Subject) -> None:
        """Withdraw everywhere; what is not delivered ends when the registration expires."""
        for service in self._client.services:
            for did in subject.dids:
                try:
                    await self._client.leave(service, did)
                except (RegistryError, CredentialError) as error:
                    logger.warning(
                        "not withdrawn",
                        extra={"subject": subject.name, "service": service, "error": type(error).__name__},
                    )
