"""Waiting until everybody is registered and every replica of the two lists says the same."""

import asyncio
from collections.abc import Mapping

from examples.region.discovery import SERVICES
from examples.region.organisations import ORGANISATIONS
from examples.region.processes import StartError
from examples.region.vendor import UnexpectedStatusError, Vendor
from node.ports import PeerError

JOIN_SECONDS = 60.0
_POLL_SECONDS = 0.1

MEMBERS: Mapping[str, frozenset[str]] = {
    service: frozenset(one.ura for one in ORGANISATIONS if service in one.services) for service in SERVICES
}
"""Discovery service to the URAs of those who take part."""

Replica = frozenset[tuple[str, str, str]]
"""URA, identifier and registration of everybody in a list."""


async def replica(vendor: Vendor, service: str) -> Replica:
    """Return one node's copy of one list."""
    return frozenset(
        (str(one["fields"].get("organization_ura", "")), str(one["credential_subject_id"]), str(one["id"]))
        for one in await vendor.registered(service)
    )


async def until_joined(vendors: Mapping[str, Vendor]) -> int:
    """Wait until all replicas hold everybody; return how many milliseconds that took.

    Raises:
        StartError: it takes more than :data:`JOIN_SECONDS`; the message names a list that is not complete.
    """
    clock = asyncio.get_running_loop()
    began = clock.time()
    while (lacking := await _lacking(vendors)) is not None:
        if clock.time() - began > JOIN_SECONDS:
            raise StartError(f"not everybody registered within {JOIN_SECONDS:.0f} s: {lacking}")
        await asyncio.sleep(_POLL_SECONDS)
    return round((clock.time() - began) * 1000)


async def _lacking(vendors: Mapping[str, Vendor]) -> str | None:
    """Name the first replica that is not complete, or differs from the others."""
    for service, members in MEMBERS.items():
        held: set[Replica] = set()
        for key, vendor in vendors.items():
            try:
                copy = await replica(vendor, service)
            except (PeerError, UnexpectedStatusError) as error:
                return f"{key}: {error}"
            if (known := {ura for ura, _, _ in copy}) != members:
                return f"{key} knows {len(known)} of {len(members)} in {service}"
            held.add(copy)
        if len(held) > 1:
            return f"replicas of {service} differ"
    return None
