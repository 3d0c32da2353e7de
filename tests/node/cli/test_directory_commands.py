"""``hazel directory``: the care services directory from a terminal."""

from tests.node.cli.desk import Desk

PATH = "/internal/directory/v1"
ORGANISATION = {"resourceType": "Organization", "id": "linde", "active": True, "name": "De Linde"}
ENDPOINT = {"resourceType": "Endpoint", "id": "e", "status": "active", "address": "https://linde.example/fhir"}


def _bundle(*resources: object, relation: str = "self") -> dict[str, object]:
    return {
        "resourceType": "Bundle",
        "link": [{"relation": relation}],
        "entry": [{"resource": each} for each in resources],
    }


async def test_the_replica_is_searched_by_type_text_number_and_parameter(node: Desk) -> None:
    node.says("GET", f"{PATH}/fhir/Organization", _bundle(ORGANISATION))
    ran = await node.hazel("directory", "search", "linde", "--type", "Organization", "--ura", "90000102")
    assert (ran.code, node.asked[-1].query) == (0, "name%3Acontains=linde&identifier=90000102")
    assert ran.out.splitlines()[1].split() == ["Organization", "linde", "De", "Linde", "active", "-"]
    node.says("GET", f"{PATH}/fhir/Endpoint", _bundle(ENDPOINT, relation="next"))
    ran = await node.hazel("directory", "search", "--type", "Endpoint", "--where", "status=active", "--ura", "90000102")
    assert node.asked[-1].query == "status=active&organization.identifier=90000102"
    assert "https://linde.example/fhir" in ran.out
    assert "there are more" in ran.err + ran.out
    ran = await node.hazel("directory", "search", "--type", "Endpoint", "--json")
    assert ran.json["entry"][0]["resource"]["id"] == "e"


async def test_wrong_arguments_say_what_is_right(node: Desk) -> None:
    assert (await node.hazel("directory", "search", "--where", "a=b")).code != 0
    assert (await node.hazel("directory", "search", "--type", "Endpoint", "--where", "status")).code != 0


async def test_directories_are_asked_now_and_a_failure_shows(node: Desk) -> None:
    followed = {"url": "https://lrza.example/fhir", "role": "root", "followed_at": "2026-11-22T12:00:00.000Z"}
    node.says("POST", f"{PATH}/sync", {"directories": [followed | {"not_shown": {"a": 2, "b": 1}, "error": None}]})
    ran = await node.hazel("directory", "sync")
    assert ran.code == 0
    assert ran.out.splitlines()[1].split() == [*followed.values(), "3", "-"]
    node.says("POST", f"{PATH}/sync", {"directories": [followed | {"not_shown": {}, "error": "unreachable"}]})
    assert (await node.hazel("directory", "sync", "--json")).code == 1


async def test_entries_are_published_and_a_failure_shows(node: Desk) -> None:
    entry = {"type": "Organization", "id": "org-1", "version": 2, "here": "published", "elsewhere": None, "error": None}
    node.says("POST", f"{PATH}/publish", {"entries": [entry]})
    ran = await node.hazel("directory", "publish")
    assert (ran.code, ran.out.splitlines()[1].split()) == (0, ["Organization", "org-1", "2", "published", "-", "-"])
    node.says(
        "POST", f"{PATH}/publish", {"entries": [entry | {"elsewhere": "failed", "error": "the directory answered 500"}]}
    )
    assert (await node.hazel("directory", "publish")).code == 1
