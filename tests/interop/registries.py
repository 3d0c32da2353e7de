"""Steps about discovery: registering at the other's list, following it, finding each other, leaving."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.interop.seat import Seat
from tests.interop.step import Step, expect, require
from tests.interop.waiting import until

_CHAPTER = "Discovery"


async def register(seat: Seat, service: str, **parameters: str) -> None:
    """Register a side with where its data is and what kind of organisation it is; ``parameters`` are added.

    Raises:
        StepFailedError: it is not accepted.
    """
    stated = {"fhir_base_url_r4": seat.fhir, "organization_facility_type": seat.organisation["facility_type"]}
    reply = await seat.vendor.activate(service, seat.holder, stated | parameters)
    require(f"{seat.name} can register ({reply.words})", holds=reply.status == 200)


async def registers(acting: Seat, other: Seat) -> str:
    """We register at the list that the other hosts; the other finds us there with what our certificate says."""
    await register(acting, other.hosted, note="interop")
    require("the host finds us", holds=await until(lambda: _knows(other, other.hosted, acting)))
    found = await _entry(other, other.hosted, acting)
    assert found is not None  # it was there just now
    for name in ("organization_ura", "organization_name", "organization_city"):
        expect(name, found["fields"].get(name), acting.organisation[name.removeprefix("organization_")])
    expect("auth_server_url", found["fields"].get("auth_server_url"), acting.server)
    expect("the note", found["registrationParameters"].get("note"), "interop")
    said = await acting.vendor.activation(other.hosted, acting.holder)
    expect("that we say so ourselves", said["activated"], wanted=True)
    return f"{len(found['fields'])} fields"


async def follows(acting: Seat, other: Seat) -> str:
    """The host registers at its own list; we follow the list and find it."""
    await register(other, other.hosted)
    require("we find the host", holds=await until(lambda: _knows(acting, other.hosted, other)))
    found = await _entry(acting, other.hosted, other)
    assert found is not None  # it was there just now
    expect("organization_ura", found["fields"].get("organization_ura"), other.organisation["ura"])
    expect("auth_server_url", found["fields"].get("auth_server_url"), other.server)
    return "found"


async def replaces(acting: Seat, other: Seat) -> str:
    """We register again with something else to say; everybody has one entry of ours, the new one."""
    await register(acting, other.hosted, note="interop again")
    for seat in (other, acting):

        async def is_new(seat: Seat = seat) -> bool:
            notes = [each["registrationParameters"].get("note") for each in await _entries(seat, other.hosted, acting)]
            return notes == ["interop again"]

        require(f"{seat.name} has the new registration alone", holds=await until(is_new))
    return "one entry"


async def leaves(acting: Seat, other: Seat) -> str:
    """We withdraw; the host and we no longer find us, and the list says why to whoever follows it."""
    reply = await acting.vendor.deactivate(other.hosted, acting.holder)
    require(f"the withdrawal is delivered ({reply.words})", holds=reply.status == 200)
    for seat in (other, acting):

        async def is_gone(seat: Seat = seat) -> bool:
            return not await _knows(seat, other.hosted, acting)

        require(f"{seat.name} no longer finds us", holds=await until(is_gone))
    said = await acting.vendor.activation(other.hosted, acting.holder)
    expect("that we say so ourselves", said["activated"], wanted=False)
    return "gone"


async def comes_back(acting: Seat, other: Seat) -> str:
    """After leaving we may register again."""
    await register(acting, other.hosted)
    require("the host finds us", holds=await until(lambda: _knows(other, other.hosted, acting)))
    return "found"


async def is_known_by_json_ld(acting: Seat, other: Seat) -> str:
    """We register with the JSON-LD credential that the other issued; the host finds us, and so do we in our copy of the list.

    A nuts-node compares it byte for byte with the one in its wallet, sorted by itself (WIRE §2.10.5).
    """
    await register(acting, other.hosted_ldp)
    for seat in (other, acting):

        async def is_found(seat: Seat = seat) -> bool:
            return await _knows(seat, other.hosted_ldp, acting)

        require(f"{seat.name} finds us", holds=await until(is_found))
    return "found at both"


async def _knows(seat: Seat, service: str, whom: Seat) -> bool:
    return await _entry(seat, service, whom) is not None


async def _entry(seat: Seat, service: str, whom: Seat) -> Mapping[str, Any] | None:
    return next(iter(await _entries(seat, service, whom)), None)


async def _entries(seat: Seat, service: str, whom: Seat) -> Sequence[Mapping[str, Any]]:
    return [each for each in await seat.vendor.search(service) if each["credential_subject_id"] == whom.did]


STEPS = (
    Step(id="discovery-register", chapter=_CHAPTER, title="registers at the list that the other hosts", run=registers),
    Step(id="discovery-follow", chapter=_CHAPTER, title="follows that list and finds the host there", run=follows),
    Step(
        id="discovery-replace", chapter=_CHAPTER, title="replaces its registration; both sides know one",
        run=replaces, needs=("discovery-register",),
    ),
    Step(
        id="discovery-leave", chapter=_CHAPTER, title="withdraws; both sides know it is gone",
        run=leaves, needs=("discovery-register",),
    ),
    Step(
        id="discovery-return", chapter=_CHAPTER, title="registers again after that",
        run=comes_back, needs=("discovery-leave",),
    ),
    Step(
        id="discovery-ldp", chapter=_CHAPTER, title="registers with a JSON-LD credential that the other issued",
        run=is_known_by_json_ld, needs=("load-ldp_vc",),
    ),
)  # fmt: skip
