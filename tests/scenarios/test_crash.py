"""kill -9 in the middle of work: what was acknowledged is there when the node is back, and its log is whole."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from credentials.jws import SignedJWS
from examples.region.network import Region
from examples.region.objection import consent
from examples.region.organisations import GOUWE, HA_VVT, RSO
from examples.region.patients import BSN_SYSTEM, TRUUS
from examples.region.vendor import UnexpectedStatusError, Vendor
from node.audit.pseudonym import redact_bsn
from node.ports import HttpRequest, PeerError
from node.web.client import Client
from registry.messages import registration_to_wire
from registry.service import ServiceDefinition
from tests.scenarios.marks import SCENARIO
from tests.scenarios.registrants import open_registrants
from tests.scenarios.solo import open_solo
from tests.scenarios.waiting import eventually

pytestmark = SCENARIO

REGISTRATIONS = 100
ENOUGH = 20
"""Acknowledged of each kind before the node is ended."""

LOAD_SECONDS = 60.0
"""Until there is enough; a second or two on an idle machine."""


@dataclass(slots=True)
class Acknowledged:
    """What the node said it has done.

    Attributes:
        registrations: ids of presentations.
        consents: ids.
        reports: how many were given, each with a record that it was made.
    """

    registrations: list[str] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    reports: int = 0

    def is_enough(self) -> bool:
        """Whether there is something of each kind."""
        return min(len(self.registrations), len(self.consents), self.reports) >= ENOUGH


async def test_nothing_acknowledged_is_lost_when_a_node_is_killed_under_load(region: Region, tmp_path: Path) -> None:
    async with open_solo(tmp_path, region.certificates, region.ports) as vendor:
        node = vendor.node
        definition = ServiceDefinition.parse((tmp_path / "definitions" / f"{HA_VVT}.json").read_bytes())
        async with open_registrants(REGISTRATIONS, definition, region.certificates, region.ports) as registrants:
            done = Acknowledged()
            waiting = list(registrants.messages)
            work = [
                asyncio.create_task(_until_it_ends(worker))
                for worker in (
                    *(_register(region.peers, node.public, waiting, done) for _ in range(3)),
                    *(_consent(vendor, done) for _ in range(3)),
                    *(_report(vendor, done) for _ in range(3)),
                )
            ]

            async def is_enough() -> bool:
                return done.is_enough()

            await eventually(is_enough, seconds=LOAD_SECONDS)
            assert node.child is not None
            await node.child.kill()
            await asyncio.gather(*work)
            await node.start(vendor.client)

        # (1) registrations: all of them are in the list that anybody reads
        page = json.loads((await region.peers.send(_get(f"{node.public}/discovery/{HA_VVT}?timestamp=0"))).body)
        assert set(done.registrations) <= {_id_of(compact) for compact in page["entries"].values()}
        # (2) consents
        for identifier in done.consents:
            kept = await vendor.get(f"/consent/v1/{RSO.key}/Consent/{identifier}")
            assert kept["id"] == identifier
        # (3) audit records: one for each consent and each report, and the chain is whole
        events = await _all_events(vendor)
        described = [_description(event) for event in events]
        # The log redacts whatever looks like a citizen number, and a UUID now and then does.
        assert {redact_bsn(f"create Consent/{identifier}") for identifier in done.consents} <= set(described)
        assert described.count("read access report") >= done.reports
        verified = await vendor.post(f"/audit/v1/{RSO.key}/verify", None)
        assert (verified["whole"], verified["findings"]) == (True, [])


async def _until_it_ends(worker: Any) -> None:
    with suppress(PeerError, UnexpectedStatusError):
        await worker


async def _register(network: Client, host: str, waiting: list[Any], done: Acknowledged) -> None:
    while waiting:
        message = waiting.pop()
        answer = await network.send(
            HttpRequest(
                method="POST",
                url=f"{host}/discovery/{HA_VVT}",
                headers={"Content-Type": "application/json"},
                body=registration_to_wire(message.compact),
            )
        )
        assert answer.status == 201, answer.body
        done.registrations.append(message.presentation_id)


async def _consent(vendor: Vendor, done: Acknowledged) -> None:
    while True:
        number = len(done.consents)
        resource = consent(TRUUS, holder=RSO, against=GOUWE)
        resource["patient"]["identifier"]["value"] = f"{900_000_000 + number:09}"
        kept = await vendor.post(f"/consent/v1/{RSO.key}/Consent", resource, media_type="application/fhir+json")
        done.consents.append(kept["id"])


async def _report(vendor: Vendor, done: Acknowledged) -> None:
    while True:
        await vendor.post(
            f"/audit/v1/{RSO.key}/report", {"patient": {"system": BSN_SYSTEM, "value": TRUUS.bsn}, "to": "2001-01-01"}
        )
        done.reports += 1


async def _all_events(vendor: Vendor) -> list[Mapping[str, Any]]:
    events: list[Mapping[str, Any]] = []
    path = f"/audit/v1/{RSO.key}?_count=500"
    while path:
        bundle = await vendor.get(path)
        events += [entry["resource"] for entry in bundle.get("entry", ())]
        following = [link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"]
        path = following[0].removeprefix("/internal") if following else ""
    return events


def _description(event: Mapping[str, Any]) -> str:
    return next((str(entity["description"]) for entity in event["entity"] if "description" in entity), "")


def _id_of(compact: str) -> str:
    return str(json.loads(SignedJWS.parse(compact).payload)["jti"])


def _get(url: str) -> HttpRequest:
    return HttpRequest(method="GET", url=url, max_bytes=64 * 1024 * 1024)
