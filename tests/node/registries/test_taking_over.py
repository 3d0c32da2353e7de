"""A host is lost for good, and a mirror takes its place: same seed, next number, and everybody goes on."""

import json
from pathlib import Path

import pytest

from node.registries.definition_files import DefinitionFiles
from node.registries.definitions import load_definitions
from node.registries.hosted import HostedServices
from node.registries.taking_over import TakingOver
from node.web.replies import RequestError
from tests.support.keys import a_did
from tests.support.logs import LogWorld
from tests.support.registry import ENDPOINT, a_registration


class Taking:
    """A mirror with its definition file, and a follower."""

    def __init__(self, directory: Path, *, mirrors: int = 2, quorum: int = 1) -> None:
        self.world = LogWorld(mirrors=mirrors, quorum=quorum)
        (directory / "care.json").write_text(json.dumps(dict(self.world.service.raw)))
        self.mirror = self.world.mirrors[0]
        self.files = DefinitionFiles(directory, load_definitions(directory), frozenset())
        self.hosted = HostedServices(self.files.services, ())
        self.mirror.host.services = self.hosted
        self.follower = self.world.follower()
        self.taking = self.new_taking()

    def new_taking(self) -> TakingOver:
        return TakingOver(self.mirror.store, self.mirror.logs.keys, self.files, self.hosted)

    async def refused(self) -> str:
        with pytest.raises(RequestError) as caught:
            await self.taking.take_over(self.world.service, incomplete=False)
        return caught.value.code


@pytest.fixture
def setting(tmp_path: Path) -> Taking:
    return Taking(tmp_path)


async def test_a_mirror_becomes_the_host_and_the_new_definition_is_in_its_file(setting: Taking) -> None:
    world = setting.world
    for name in ("oever", "gouwe"):
        await world.host.accept("care", a_registration(name))
    await world.mirror_all()
    await setting.follower.client.follow("care")
    seed = (await world.host.page("care", 0)).seed
    world.peers.away.add(ENDPOINT)
    done = await setting.taking.take_over(world.service, incomplete=False)
    own = setting.mirror.logs.keys.own_url("care")
    assert (done.number, done.size, done.missing) == (3, 3, 0)
    assert json.loads(done.file.read_text()) == done.definition
    assert done.definition["endpoint"] == own
    assert done.definition["mirrors"] == [world.mirrors[1].logs.keys.own_url("care")]
    assert len(done.definition["witnesses"]) == 1
    assert setting.files.services["care"].endpoint == own
    assert "care" in setting.hosted
    # Everybody gets the file; the next registration comes to the new host, and the follower goes on.
    world.redefine(**done.definition)
    assert (await setting.mirror.host.accept("care", a_registration("linde"))).timestamp == 3
    assert (await setting.mirror.host.page("care", 0)).seed == seed
    await world.mirrors[1].client.follow("care")
    report = await setting.follower.client.follow("care")
    assert report.log is not None
    assert report.log.alarms == ()
    found = await setting.follower.client.search("care")
    assert {each.holder for each in found} == {a_did(name) for name in ("oever", "gouwe", "linde")}
    assert await setting.refused() == "is_host"
    again = HostedServices(setting.files.services, ())
    await TakingOver(setting.mirror.store, setting.mirror.logs.keys, setting.files, again).restore()
    assert "care" in again


async def test_who_has_no_whole_copy_takes_nothing_over(setting: Taking) -> None:
    assert await setting.refused() == "no_mirror"
    await setting.world.host.accept("care", a_registration("oever"))
    await setting.world.mirror_all()
    setting.taking = TakingOver(setting.follower.store, setting.follower.logs.keys, setting.files, setting.hosted)
    await setting.follower.client.follow("care")
    assert await setting.refused() == "no_mirror"


async def test_a_copy_with_messages_missing_is_promoted_only_when_told(setting: Taking) -> None:
    world = setting.world
    await world.host.accept("care", a_registration("oever"))
    world.peers.lies[ENDPOINT] = lambda rest: b"{}" if rest.startswith("?") else None
    await world.mirror_all()
    assert await setting.refused() == "incomplete"
    assert (await setting.taking.take_over(world.service, incomplete=True)).missing == 1
    assert (await setting.mirror.host.accept("care", a_registration("oever", "2"))).timestamp == 2


async def test_when_the_file_can_not_be_written_nothing_changes(
    setting: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    await setting.world.host.accept("care", a_registration("oever"))
    await setting.world.mirror_all()

    def full(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(setting.files, "write", full)
    assert await setting.refused() == "not_written"
    tree = await setting.mirror.store.tree("care")
    assert tree is not None
    assert not tree.is_own
