"""Consents from the terminal: what is sent is what the node understands, and what was meant."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from fhir.resources.R4B.consent import Consent as FhirConsent

from node.consent.consent import Consent, Rule
from tests.node.cli.desk import BSN, Desk, Ran

BASE = "/internal/consent/v1/gouwe"
SEARCH = f"{BASE}/Consent/_search"


async def grant(node: Desk, *words: str) -> tuple[Ran, Any]:
    node.says("POST", f"{BASE}/Consent", {"id": "c-1"}, status=201)
    ran = await node.hazel("consent", "grant", *words, stdin=BSN)
    return ran, node.asked[-1].json if node.asked else None


def rule_of(resource: Any) -> Rule:
    FhirConsent.model_validate(resource)  # R4B, which has the same Consent as R4
    consent = Consent.parse(resource)
    assert consent.is_active
    assert consent.bsn == BSN
    (rule,) = consent.rules
    return rule


async def test_a_consent_is_sent_as_the_node_understands_it(node: Desk) -> None:
    ran, resource = await grant(
        node, "--organisation", "90000102", "--category", "medication", "--category", "GGC012", "--from", "2026-01-01",
        "--until", "2026-12-31",
    )  # fmt: skip
    assert (ran.code, "c-1" in ran.err) == (0, True)
    rule = rule_of(resource)
    assert rule.permit
    assert rule.organisations == {"90000102"}
    assert rule.categories == {"GGC012", "GGC013"}
    assert rule.start is not None
    assert rule.end is not None
    assert (rule.start.isoformat(), rule.end.isoformat()) == ("2026-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00")


async def test_without_more_words_everyone_may_have_all(node: Desk) -> None:
    _, resource = await grant(node)
    assert rule_of(resource) == Rule(permit=True)


async def test_an_objection_against_a_kind_of_organisation(node: Desk) -> None:
    _, resource = await grant(node, "--deny", "--kind", "G5")
    assert rule_of(resource) == Rule(permit=False, facility_types=frozenset({"G5"}))


@pytest.mark.parametrize(
    "words",
    [
        ("--organisation", "123"),
        ("--kind", "g5"),
        ("--category", "all"),
        ("--from", "tomorrow"),
        ("--until", "2026-02-30"),
        ("--from", "2026-02-02", "--until", "2026-02-01"),
    ],
)
async def test_what_is_no_consent_is_wrong_usage_and_sends_nothing(node: Desk, words: tuple[str, ...]) -> None:
    ran, _ = await grant(node, *words)
    assert ran.code == 2
    assert node.asked == []


async def test_the_citizen_is_in_the_body_and_nowhere_else(node: Desk) -> None:
    node.says("POST", SEARCH, {"resourceType": "Bundle", "total": 0})
    node.says("POST", f"{BASE}/who-may/_search", {"entries": []})
    for verb in ("list", "withdraw", "who-may"):
        ran = await node.hazel("consent", verb, stdin=BSN)
        assert BSN not in ran.out + ran.err
        assert dict(parse_qsl(node.asked[-1].body.decode()))["patient-id"].endswith(f"|{BSN}")
    for asked in node.asked:
        assert BSN not in asked.path + asked.query + str(asked.headers)


def a_stored(identifier: str, status: str = "active", **provision: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent", "id": identifier, "status": status, "meta": {"versionId": "3"},
        "provision": {"type": "permit", **provision},
    }  # fmt: skip


def holding(node: Desk, *stored: dict[str, Any]) -> None:
    node.says("POST", SEARCH, {"resourceType": "Bundle", "entry": [{"resource": one} for one in stored]})
    for one in stored:
        node.says("PUT", f"{BASE}/Consent/{one['id']}", one)


async def test_consents_are_listed_with_their_exceptions(node: Desk) -> None:
    actor = {"reference": {"identifier": {"value": "90000102"}}}
    exception = {
        "type": "deny",
        "actor": [actor],
        "code": [{"coding": [{"code": "GGC013"}]}],
        "period": {"end": "2027"},
    }
    holding(node, a_stored("c-1", provision=[exception]))
    ran = await node.hazel("consent", "list", stdin=BSN)
    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["c-1", "active", "allows", "everyone", "all", "-"],
        ["refuses", "90000102", "GGC013", "-", "to", "2027"],
    ]
    assert (await node.hazel("consent", "list", "--json", stdin=BSN)).json[0]["id"] == "c-1"


async def test_the_only_consent_in_effect_is_withdrawn_with_the_version_that_was_seen(node: Desk) -> None:
    holding(node, a_stored("c-1"), a_stored("c-0", "inactive"))
    ran = await node.hazel("consent", "withdraw", stdin=BSN)
    assert (ran.code, "c-1 has no effect any more" in ran.err) == (0, True)
    put = node.asked[-1]
    assert (put.method, put.headers["If-Match"], put.json["status"]) == ("PUT", 'W/"3"', "inactive")
    assert put.json["provision"] == {"type": "permit"}


async def test_never_more_is_withdrawn_than_was_asked(node: Desk) -> None:
    holding(node, a_stored("c-1"), a_stored("c-2"), a_stored("c-0", "inactive"))
    for words in ((), ("c-9",), ("c-0",)):
        assert (await node.hazel("consent", "withdraw", *words, stdin=BSN)).code == 1
    assert (await node.hazel("consent", "withdraw", "c-1", "--all", stdin=BSN)).code == 2
    assert not [asked for asked in node.asked if asked.method == "PUT"]
    assert (await node.hazel("consent", "withdraw", "c-2", stdin=BSN)).code == 0
    assert [asked.path for asked in node.asked if asked.method == "PUT"] == [f"{BASE}/Consent/c-2"]
    assert len((await node.hazel("consent", "withdraw", "--all", "--json", stdin=BSN)).json) == 2


async def test_nothing_in_effect_can_not_be_withdrawn(node: Desk) -> None:
    holding(node)
    assert (await node.hazel("consent", "withdraw", stdin=BSN)).code == 1
    assert (await node.hazel("consent", "withdraw", "--all", stdin=BSN)).code == 0


async def test_a_consent_that_was_changed_meanwhile_is_not_withdrawn(node: Desk) -> None:
    holding(node, a_stored("c-1"))
    node.refuses("PUT", f"{BASE}/Consent/c-1", 412, "the consent was changed meanwhile", "read it again")
    ran = await node.hazel("consent", "withdraw", stdin=BSN)
    assert (ran.code, "changed meanwhile" in ran.err) == (1, True)


async def test_who_may_see_what_is_told_in_words(node: Desk) -> None:
    def entry(decision: str, **organisation: Any) -> dict[str, Any]:
        return {
            "organisation": organisation,
            "category": "GGC002",
            "decision": decision,
            "basis": None,
            "consent": None,
        }

    entries = [
        entry("permit", ura="90000102", name="De Oever", everyone=False),
        entry("deny", ura=None, facility_type="G5", everyone=False),
        entry("not_applicable", ura=None, everyone=True),
    ]
    node.says("POST", f"{BASE}/who-may/_search", {"patient": "k1.x", "entries": entries})
    out = (await node.hazel("consent", "who-may", stdin=BSN)).out
    assert "90000102 De Oever  GGC002  allowed" in out
    assert "kind G5            GGC002  refused" in out
    assert "everyone else      GGC002  nothing said" in out
    assert (await node.hazel("consent", "who-may", "--json", stdin=BSN)).json["patient"] == "k1.x"
