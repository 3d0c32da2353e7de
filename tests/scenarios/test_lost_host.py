"""The host of a discovery service is killed in the middle of work and never comes back: a mirror has it all, and takes its place."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from credentials.jws import SignedJWS
from examples.region.network import Region
from examples.region.organisations import HA_VVT
from node.ports import HttpRequest, PeerError
from registry.messages import registration_to_wire
from registry.service import ServiceDefinition
from tests.scenarios.marks import SCENARIO
from tests.scenarios.mirrored import log_state, open_mirror, write_definition
from tests.scenarios.registrants import open_registrants
from tests.scenarios.solo import open_solo
from tests.scenarios.waiting import eventually

pytestmark = SCENARIO

REGISTRATIONS = 24
ENOUGH = 12
SECONDS = 60.0


async def test_a_mirror_goes_on_where_a_host_was_killed_and_nothing_acknowledged_is_lost(
    region: Region, tmp_path: Path
) -> None:
    definition = tmp_path / "definitions" / f"{HA_VVT}.json"
    async with (
        open_solo(tmp_path, region.certificates, region.ports) as host,
        open_mirror(tmp_path, definition, region.certificates, region.ports) as mirror,
        open_registrants(
            REGISTRATIONS, ServiceDefinition.parse(definition.read_bytes()), region.certificates, region.ports
        ) as registrants,
    ):
        # (1) the operators agree on a definition: the mirror loads it without a restart
        ours, theirs = (await log_state(host))["ours"], (await log_state(mirror))["ours"]
        trust = {"log_key": ours["log_key"], "mirrors": [theirs["mirror"]], "witnesses": [theirs["witness"]]}
        write_definition(mirror.node.directory, definition, **trust)

        async def is_mirror() -> bool:
            state = await log_state(mirror)
            return state["role"] == "mirror" and state["log"] is not None

        await eventually(is_mirror, seconds=SECONDS)
        # (2) members register; the host is killed while they do
        waiting, done = list(registrants.messages), []

        async def post(address: str, compact: str) -> int:
            headers = {"Content-Type": "application/json"}
            request = HttpRequest(
                method="POST", url=f"{address}/discovery/{HA_VVT}", headers=headers, body=registration_to_wire(compact)
            )
            return (await region.peers.send(request)).status

        async def register() -> None:
            with suppress(PeerError):
                while waiting:
                    message = waiting.pop()
                    if await post(host.node.public, message.compact) == 201:
                        done.append(message.presentation_id)

        async def has_enough() -> bool:
            return len(done) >= ENOUGH

        work = [asyncio.create_task(register()) for _ in range(2)]
        await eventually(has_enough, seconds=SECONDS)
        assert host.node.child is not None
        await host.node.child.kill()
        await asyncio.gather(*work)
        # (3) started again it has all of it, in its list and in its log, and the mirror reads it; then it is lost for good
        await host.node.start(host.client)

        async def is_whole() -> bool:
            state = await log_state(mirror)
            is_read = state["head"] is not None and state["head"] == state["log"]["head"]
            return is_read and state["head"]["size"] > len(done) and not state["log"]["missing"]

        await eventually(is_whole, seconds=SECONDS)
        before = await log_state(mirror)
        assert before["head"] == (await log_state(host))["head"]
        assert (before["log"]["alarms"], before["fork"]) == ([], False)
        await host.node.child.kill()
        # (4) the mirror serves the list and the log
        page = await _page(region, mirror.node.public)
        assert set(done) <= {
            json.loads(SignedJWS.parse(compact).payload)["jti"] for compact in page["entries"].values()
        }
        # (5) and becomes the host: same seed, next number
        promoted = await mirror.post(f"/registries/v1/{HA_VVT}/promote", {"incomplete": False})
        assert promoted["definition"]["endpoint"] == f"{mirror.node.public}/discovery/{HA_VVT}"
        assert (await log_state(mirror))["role"] == "host"
        assert waiting, "everybody had registered before the host was killed"
        assert await post(mirror.node.public, waiting.pop().compact) == 201
        after = await _page(region, mirror.node.public)
        assert (after["seed"], after["timestamp"]) == (page["seed"], promoted["next_number"])
        # (6) also after a restart
        await mirror.node.child.kill() if mirror.node.child is not None else None
        await mirror.node.start(mirror.client)
        assert (await log_state(mirror))["role"] == "host"
        assert await _page(region, mirror.node.public) == after


async def _page(region: Region, address: str) -> dict[str, dict[str, str]]:
    answer = await region.peers.send(HttpRequest(method="GET", url=f"{address}/discovery/{HA_VVT}", max_bytes=1 << 22))
    assert answer.status == 200
    page: dict[str, dict[str, str]] = json.loads(answer.body)
    return page
