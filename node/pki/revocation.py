"""Evidence about certificates, gathered side by side; the decision is `credentials.x509.revocation`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from credentials.did.certificate_chain import CertificateChain
from credentials.unavailable import Unavailable
from credentials.x509.revocation import DenyList, RevocationEvidence, RevocationList
from node.pki.deny_list import DenyListKeeper
from node.pki.revocation_lists import RevocationLists


class Revocation:
    """What may have been revoked or denied.

    Args:
        lists: of CAs.
        deny_list: None when the operator names none.
        soft_fail: accept what can not be told (``unsafe_pki_soft_fail``).
    """

    def __init__(self, lists: RevocationLists, deny_list: DenyListKeeper | None, *, soft_fail: bool = False) -> None:
        self.lists = lists
        self.deny_list = deny_list
        self._soft_fail = soft_fail

    @property
    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What runs beside the requests, by name."""
        loops: dict[str, Callable[[], Awaitable[None]]] = {"revocation lists": self.lists.run}
        if self.deny_list is not None:
            loops["deny list"] = self.deny_list.run
        return loops

    async def gather(self, chains: Iterable[CertificateChain]) -> RevocationEvidence:
        """Fetch what it takes to check ``chains``; without chains nothing is fetched."""
        wanted = list(chains)
        if not wanted:
            return RevocationEvidence(soft_fail=self._soft_fail)
        deny: DenyList | Unavailable | None = None
        if len(wanted) == 1 and self.deny_list is None:  # mostly: no tasks for what is in memory
            found = [await self.lists.for_chain(wanted[0])]
        else:
            found, deny = await asyncio.gather(asyncio.gather(*map(self.lists.for_chain, wanted)), self._denied())
        lists: dict[str, RevocationList | Unavailable] = {}
        for url, each in (item for answers in found for item in answers.items()):
            # A stranger's chain may name the address of another's list: what could not be had for the one hides nothing from the other.
            if isinstance(each, RevocationList) or url not in lists:
                lists[url] = each
        return RevocationEvidence(lists=lists, deny=deny, soft_fail=self._soft_fail, as_of=self.lists.clock.now())

    async def _denied(self) -> DenyList | Unavailable | None:
        return None if self.deny_list is None else await self.deny_list.current()
