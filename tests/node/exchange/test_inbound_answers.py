"""Forward and check: what our own FHIR server says leaves whole and clean, or not at all."""

import json
from datetime import timedelta
from typing import Any

import pytest

from node.exchange.outcome import as_operation_outcome
from node.exchange.response import MAX_PAGE_BYTES
from node.ports import HttpResponse
from node.web.replies import RequestError
from tests.node.exchange.cases import BSN, OTHER_BSN, a_patient
from tests.node.exchange.setting import (
    INNER,
    OBJECTION,
    PUBLIC_BASE,
    Holder,
    Peer,
    a_care_team,
    a_flag,
    a_holder,
    a_practitioner,
)
from tests.support.fhir_server import fhir, searchset, truncated
from tests.support.world import everything_in

FLAGS = ("GET", "Flag", "patient=p1")


@pytest.fixture
def holder() -> Holder:
    return a_holder()


@pytest.fixture
async def peer(holder: Holder) -> Peer:
    return await holder.peer()


def ids(body: bytes) -> list[str]:
    return [entry["resource"]["id"] for entry in json.loads(body).get("entry", [])]


def next_of(body: bytes) -> str:
    links = [link["url"] for link in json.loads(body).get("link", []) if link["relation"] == "next"]
    assert len(links) == 1
    return str(links[0])


async def does_not_answer(peer: Peer, code: str, *request: str, status: int = 502) -> RequestError:
    """Ask, and see a clean outcome that shows nothing of what happened behind."""
    with pytest.raises(RequestError) as refused:
        await peer.ask(*(request or FLAGS))
    error = refused.value
    assert (error.status, error.code) == (status, code)
    reply = as_operation_outcome(error)
    outcome = json.loads(reply.body)
    assert outcome["resourceType"] == "OperationOutcome"
    record = peer.holder.audit.records[-1]
    assert outcome["issue"][0] == {
        "severity": "error",
        "code": outcome["issue"][0]["code"],
        "diagnostics": f"reference {record.reference}",
    }
    shown = reply.body.decode() + str(error) + everything_in(dict(reply.headers))
    for secret in ("ehr.internal", "8080", "clinical", BSN, OTHER_BSN, "p2", code):
        assert secret not in shown
    seen = list(peer.holder.audit.outcomes.values())[-1]
    assert (seen.state, seen.status, seen.count) == (code, status, None)
    return error


BROKEN = [
    ("own_server_not_a_searchset", fhir(b'{"resourceType":"Bundle","type":"searchset","entry":[')),
    ("own_server_not_a_searchset", fhir("<html>clinical</html>", content_type="text/html")),
    ("own_server_not_a_searchset", truncated(searchset(a_flag()))),
    ("own_server_not_a_searchset", fhir(b"")),
    ("own_server_not_a_searchset", fhir({"resourceType": "Bundle", "type": "collection"})),
    ("own_server_not_a_searchset", fhir(a_flag())),
    ("own_server_not_json", fhir(b'{"resourceType":"Bundle","type":"searchset","x":"\xff"}')),
    ("own_server_too_large", fhir(b" " * (MAX_PAGE_BYTES + 1))),
    ("own_server_too_large", searchset(*(a_flag(f"f{number}") for number in range(501)))),
    ("own_server_no_id", searchset({**a_flag(), "id": "../p2"})),
    ("own_server_500", fhir({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "p2 clinical"}]}, 500)),
    ("own_server_503", fhir({}, 503)),
    ("own_server_401", fhir({}, 401)),
    ("own_server_403", fhir({}, 403)),
    ("own_server_302", HttpResponse(status=302, headers={"location": "http://ehr.internal:8080/p2"}, body=b"")),
    ("own_server_204", fhir(b"", 204)),
    ("own_server_unreachable", "unreachable"),
    ("own_server_tls", "tls"),
    ("own_server_broken", "broken"),
    ("own_server_too_large", "too_large"),
]


@pytest.mark.parametrize(("code", "answer"), [pytest.param(*row, id=f"{n} {row[0]}") for n, row in enumerate(BROKEN)])
async def test_an_answer_that_is_none_becomes_a_clean_refusal(
    peer: Peer, code: str, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    peer.holder.server.instead["Flag"] = answer
    await does_not_answer(peer, code)
    assert "clinical" not in caplog.text + everything_in([vars(each) for each in caplog.records])
    assert "ALARM" not in caplog.text


async def test_a_server_that_takes_too_long(peer: Peer) -> None:
    peer.holder.server.instead["Flag"] = "timeout"
    await does_not_answer(peer, "own_server_timeout", status=504)


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
async def test_a_search_that_our_server_does_not_know_is_not_offered(peer: Peer, status: int) -> None:
    peer.holder.server.instead["Flag"] = fhir({"resourceType": "OperationOutcome"}, status)
    error = await does_not_answer(peer, f"own_server_{status}", status=501)
    assert json.loads(as_operation_outcome(error).body)["issue"][0]["code"] == "not-supported"


def with_subject(resource_type: str, subject: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": resource_type,
        "id": "x1",
        "status": "active",
        "code": {"text": "clinical"},
        "subject": subject,
        **more,
    }


ANOTHERS = [
    ("other_patient", searchset(a_flag("f1"), a_flag("f2", "p2"))),
    ("other_patient", searchset(with_subject("Flag", {"reference": f"{INNER}/Patient/p2"}))),
    ("other_patient", searchset(with_subject("Flag", {"reference": "http://elsewhere/fhir/Patient/p1"}))),
    ("other_patient", searchset(with_subject("Flag", {"reference": "Patient/p1/../p2"}))),
    (
        "other_patient",
        searchset(
            with_subject(
                "Flag",
                {
                    "reference": "Patient/p1",
                    "identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": OTHER_BSN},
                },
            )
        ),
    ),
    ("no_patient", searchset({"resourceType": "Flag", "id": "x1", "status": "active", "code": {"text": "clinical"}})),
    (
        "other_patient",
        searchset(with_subject("Flag", {"reference": "#c"}, contained=[a_patient("c", OTHER_BSN)])),
    ),
    (
        "other_patient",
        searchset(a_flag("f1", contained=[with_subject("Observation", {"reference": "Patient/p2"})])),
    ),
    ("type_not_listed", searchset(a_flag("f1"), included=[a_patient("p2", OTHER_BSN)])),
    ("type_not_listed", searchset(a_flag("f1"), included=[a_patient("p1", BSN)])),
    ("type_not_listed", searchset(with_subject("Observation", {"reference": "Patient/p1"}))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "answer"), [pytest.param(*row, id=f"{n} {row[0]}") for n, row in enumerate(ANOTHERS)])
async def test_a_page_with_anything_of_another_patient_is_withheld_whole(
    peer: Peer, code: str, answer: HttpResponse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    peer.holder.server.instead["Flag"] = answer
    await does_not_answer(peer, f"withheld_{code}")
    alarms = [each for each in caplog.records if each.getMessage().startswith("ALARM")]
    assert [(each.levelname, vars(each)["code"], vars(each)["step"]) for each in alarms] == [
        ("ERROR", code, "attention-flags")
    ]
    assert vars(alarms[0])["seq"] == len(peer.holder.audit.records)
    written = caplog.text + everything_in([vars(each) for each in caplog.records])
    for secret in ("clinical", BSN, OTHER_BSN):
        assert secret not in written


async def test_an_include_of_another_patient_is_withheld_too(peer: Peer) -> None:
    episode = {"resourceType": "EpisodeOfCare", "id": "e1", "status": "active", "patient": {"reference": "Patient/p1"}}
    condition = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p2"}}
    peer.holder.server.instead["EpisodeOfCare"] = searchset(episode, included=[condition])
    query = "patient=p1&_include=EpisodeOfCare:condition"
    await does_not_answer(peer, "withheld_other_patient", "GET", "EpisodeOfCare", query)


async def test_a_match_that_finds_somebody_else_is_withheld(peer: Peer) -> None:
    await peer.match()  # the facts are known; now the server ignores the question
    found = searchset(a_patient("p1"), a_patient("p2", OTHER_BSN))
    peer.holder.server.instead["Patient"] = found
    with pytest.raises(RequestError) as refused:
        await peer.match()
    assert refused.value.code == "withheld_other_patient"


class TestWhatLeaves:
    async def test_resources_leave_as_they_are_in_a_bundle_of_ours(self, peer: Peer) -> None:
        body = (await peer.ask(*FLAGS)).body
        assert json.loads(body) == {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": 1,
            "entry": [{"fullUrl": f"{PUBLIC_BASE}/Flag/f1", "resource": a_flag(), "search": {"mode": "match"}}],
        }

    async def test_the_inner_address_never_leaks(self, peer: Peer) -> None:
        escaped = INNER.replace("/", "\\/")
        raw = json.dumps(
            a_flag(encounter={"reference": f"{INNER}/Encounter/1"}, author={"reference": "ESCAPED/Practitioner/1"})
        ).replace("ESCAPED", escaped)
        page = f'{{"resourceType":"Bundle","type":"searchset","id":"{INNER}",'
        page += f'"link":[{{"relation":"self","url":"{INNER}/Flag?patient=p1"}}],'
        page += f'"entry":[{{"fullUrl":"{INNER}/Flag/f1","resource":{raw},"search":{{"mode":"match"}}}}]}}'
        peer.holder.server.instead["Flag"] = fhir(page)
        body = (await peer.ask(*FLAGS)).body
        assert b"ehr.internal" not in body
        assert json.loads(body)["entry"][0]["resource"]["encounter"]["reference"] == f"{PUBLIC_BASE}/Encounter/1"
        assert json.loads(body)["entry"][0]["resource"]["author"]["reference"] == f"{PUBLIC_BASE}/Practitioner/1"

    async def test_nothing_found_is_an_empty_page(self, peer: Peer) -> None:
        peer.holder.server.instead["Flag"] = searchset(total=0)
        assert (await peer.ask(*FLAGS)).body == b'{"resourceType":"Bundle","type":"searchset","total":0}'

    async def test_what_is_forwarded_is_of_our_own_making(self, holder: Holder, peer: Peer) -> None:
        seen = []

        async def look(request: Any) -> HttpResponse:
            seen.append(request)
            return searchset(a_flag())

        holder.server.instead["Flag"] = look
        await peer.ask("GET", "Flag", "%70atient=%701&_format=application/fhir%2Bjson&_count=7")
        await peer.ask("POST", "Flag/_search", "", "patient=p1")
        assert [(each.method, each.url) for each in seen] == [
            ("GET", f"{INNER}/Flag?patient=p1&_count=7"),
            ("GET", f"{INNER}/Flag?patient=p1"),
        ]
        for each in seen:
            assert set(each.headers) == {"Accept"}, "nothing of the peer's headers goes on"
            assert each.timeout == 4.0
            assert each.max_bytes == 8_388_608


class TestPaging:
    @pytest.fixture
    def holder(self) -> Holder:
        holder = a_holder()
        holder.server.resources = [*holder.server.resources, a_flag("f3"), a_flag("f4")]
        holder.server.page_size = 2
        return holder

    async def first(self, peer: Peer) -> str:
        """The query of the paging link that the first page gives."""
        body = (await peer.ask(*FLAGS)).body
        assert ids(body) == ["f1", "f3"]
        link = next_of(body)
        assert link.startswith(f"{PUBLIC_BASE}/Flag?_cursor=")
        assert "_getpages" not in link
        return link.partition("?")[2]

    async def test_the_next_page_comes_under_the_same_grant(self, peer: Peer) -> None:
        query = await self.first(peer)
        assert "_getpages=" not in query
        body = (await peer.ask("GET", "Flag", query)).body
        assert ids(body) == ["f4"]
        assert "link" not in json.loads(body)
        record = peer.holder.audit.records[-1]
        assert (record.kind, record.step, record.interaction) == ("disclosure", "attention-flags", "page Flag")

    async def test_it_can_be_asked_again(self, peer: Peer) -> None:
        query = await self.first(peer)
        assert (await peer.ask("GET", "Flag", query)).body == (await peer.ask("GET", "Flag", query)).body

    @pytest.mark.parametrize(
        "case", ["another grant", "another organisation", "another step", "tampered", "cut", "long"]
    )
    async def test_it_is_refused_elsewhere(self, holder: Holder, peer: Peer, case: str) -> None:
        query = await self.first(peer)
        forwarded = len(holder.forwarded)
        who, kind = peer, "Flag"
        match case:
            case "another grant":
                who = await holder.peer()
            case "another organisation":
                holder.neighbours.register("90000103", kind="T2")
                who = await holder.peer("linde", ura="90000103")
            case "another step":
                kind = "Observation"
            case "tampered":
                query = query[:-6] + ("AAAAAA" if not query.endswith("AAAAAA") else "BBBBBB")
            case "cut":
                query = query[:40]
            case _:
                query += "A" * 4_000
        with pytest.raises(RequestError) as refused:
            await who.ask("GET", kind, query)
        assert (refused.value.status, refused.value.code) in {(403, "cursor_not_valid"), (403, "malformed_parameters")}
        assert len(holder.forwarded) == forwarded
        assert holder.audit.records[-1].kind == "refusal"

    async def test_it_takes_no_company(self, holder: Holder, peer: Peer) -> None:
        query = await self.first(peer)
        for more in ("&patient=p2", "&_count=500", "&_cursor=x"):
            with pytest.raises(RequestError) as refused:
                await peer.ask("GET", "Flag", query + more)
            assert refused.value.status == 403
        with pytest.raises(RequestError) as refused:
            await peer.ask("POST", "Flag/_search", "", query)
        assert refused.value.status == 403

    async def test_it_ends_with_the_grant(self, holder: Holder) -> None:
        peer = await holder.peer(expires_at=holder.clock.now() + timedelta(seconds=60))
        query = await self.first(peer)
        renewed = await holder.peer(grant_id=peer.grant.grant_id)  # the same grant, were it longer
        holder.clock.jump(59)
        await renewed.ask("GET", "Flag", query)
        holder.clock.jump(1)
        with pytest.raises(RequestError) as refused:
            await renewed.ask("GET", "Flag", query)
        assert refused.value.code == "cursor_not_valid"

    async def test_it_is_decided_anew(self, holder: Holder, peer: Peer) -> None:
        query = await self.first(peer)
        holder.consents.fact = lambda: OBJECTION
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Flag", query)
        assert (refused.value.status, refused.value.code) == (403, "objection_recorded")

    async def test_its_page_is_checked_as_any(self, holder: Holder, peer: Peer) -> None:
        query = await self.first(peer)
        holder.server.instead["paging"] = searchset(a_flag("f4"), a_flag("f2", "p2"))
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Flag", query)
        assert refused.value.code == "withheld_other_patient"

    async def test_a_page_that_our_server_forgot_is_not_an_empty_one(self, holder: Holder, peer: Peer) -> None:
        query = await self.first(peer)
        holder.server.instead["paging"] = fhir({"resourceType": "OperationOutcome"}, 404)
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Flag", query)
        assert (refused.value.status, refused.value.code) == (502, "own_server_404")

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("http://elsewhere.example/fhir?_getpages=1", "own_server_foreign_link"),
            (f"{INNER}/../admin?x=1", "own_server_foreign_link"),
            (f"{INNER}?_getpages={'x' * 1_100}", "own_server_link_too_long"),
        ],
    )
    async def test_a_link_that_leads_elsewhere_withholds_the_page(self, peer: Peer, url: str, code: str) -> None:
        peer.holder.server.instead["Flag"] = searchset(a_flag(), link=[{"relation": "next", "url": url}])
        await does_not_answer(peer, code)


class TestReferences:
    async def test_a_practitioner_is_read_after_a_page_named_them(self, holder: Holder, peer: Peer) -> None:
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Practitioner/d1")
        assert refused.value.code == "not_named"
        await peer.match()
        assert json.loads((await peer.ask("GET", "Practitioner/d1")).body) == a_practitioner("d1")
        record = holder.audit.records[-1]
        assert (record.step, record.patient) == ("general-practitioner", holder.audit.records[-2].patient)

    async def test_but_nobody_else(self, peer: Peer) -> None:
        await peer.match()
        for target in ("Practitioner/d2", "Organization/d1", "PractitionerRole/d1", "Patient/p1"):
            with pytest.raises(RequestError) as refused:
                await peer.ask("GET", target)
            assert refused.value.status == 403

    async def test_and_only_under_the_same_grant(self, holder: Holder, peer: Peer) -> None:
        await peer.match()
        other = await holder.peer()
        with pytest.raises(RequestError) as refused:
            await other.ask("GET", "Practitioner/d1")
        assert refused.value.code == "not_named"

    async def test_a_refused_match_names_nobody(self, holder: Holder, peer: Peer) -> None:
        await peer.match(OTHER_BSN)
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Practitioner/d2")
        assert refused.value.code == "not_named"

    async def test_a_withheld_match_names_nobody(self, holder: Holder, peer: Peer) -> None:
        await peer.match()
        other = await holder.peer()
        holder.server.instead["Patient"] = searchset(
            a_patient("p1", generalPractitioner=[{"reference": "Practitioner/d1"}]), a_patient("p2", OTHER_BSN)
        )
        with pytest.raises(RequestError):
            await other.match()
        with pytest.raises(RequestError) as refused:
            await other.ask("GET", "Practitioner/d1")
        assert refused.value.code == "not_named"

    async def test_it_is_decided_anew(self, holder: Holder, peer: Peer) -> None:
        await peer.match()
        holder.consents.fact = lambda: OBJECTION
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Practitioner/d1")
        assert refused.value.code == "objection_recorded"

    async def test_records_that_turn_out_to_be_of_two_people_are_nobody_s(self, holder: Holder, peer: Peer) -> None:
        gp = [{"reference": "Practitioner/d1"}]
        rest = [a_care_team("p1", "90000102"), a_practitioner("d1")]
        holder.server.resources = [a_patient("p1", BSN, generalPractitioner=gp), a_patient("p9", BSN), *rest]
        await peer.match()
        await peer.ask("GET", "Practitioner/d1")
        holder.server.resources = [a_patient("p1", BSN, generalPractitioner=gp), a_patient("p9", OTHER_BSN), *rest]
        holder.clock.jump(60)  # what we knew is forgotten
        with pytest.raises(RequestError) as refused:
            await peer.ask("GET", "Practitioner/d1")
        assert refused.value.code == "patient_not_in_care"

    async def test_what_is_gone_is_told_as_gone(self, holder: Holder, peer: Peer) -> None:
        await peer.match()
        holder.server.instead["Practitioner"] = fhir({}, 410)
        await does_not_answer(peer, "gone", "GET", "Practitioner/d1", status=404)

    async def test_another_resource_than_was_read_is_withheld(self, holder: Holder, peer: Peer) -> None:
        await peer.match()
        holder.server.instead["Practitioner"] = fhir(a_practitioner("d2"))
        await does_not_answer(peer, "withheld_other_resource", "GET", "Practitioner/d1")


async def test_a_citizen_with_two_records_is_answered_about_both_and_asked_about_one(
    holder: Holder, peer: Peer
) -> None:
    holder.server.resources = [
        a_patient("p1", BSN),
        a_patient("p9", BSN),
        a_care_team("p9", "90000102"),
        a_flag("f1", "p1"),
        a_flag("f9", "p9"),
    ]
    assert ids((await peer.match()).body) == ["p1", "p9"]
    assert ids((await peer.ask(*FLAGS)).body) == ["f1"], "the care team of the other record is theirs as well"
    holder.server.instead["Flag"] = searchset(a_flag("f1", "p1"), a_flag("f9", "p9"))
    await does_not_answer(peer, "withheld_other_patient")


class TestConditional:
    """A read that the peer has already: decided and recorded as any, and not sent again."""

    @pytest.fixture
    async def reader(self, holder: Holder, peer: Peer) -> Peer:
        await peer.match()
        holder.server.instead["Practitioner"] = self.tagged('W/"7"')
        return peer

    @staticmethod
    def tagged(etag: str) -> HttpResponse:
        answer = fhir(a_practitioner())
        return HttpResponse(status=200, headers={**answer.headers, "etag": etag}, body=answer.body)

    async def test_a_read_says_which_version_it_is(self, reader: Peer) -> None:
        reply = await reader.ask("GET", "Practitioner/d1")
        assert (reply.status, reply.headers) == (200, {"ETag": 'W/"7"'})

    @pytest.mark.parametrize("tags", [('W/"7"',), ('"7"',), ('W/"3", W/"7"',), ('W/"3"', 'W/"7"'), ("*",)])
    async def test_what_the_peer_has_is_not_sent_again(self, reader: Peer, tags: tuple[str, ...]) -> None:
        reply = await reader.ask("GET", "Practitioner/d1", if_none_match=tags)
        assert (reply.status, reply.body, reply.headers) == (304, b"", {"ETag": 'W/"7"'})
        assert reader.holder.audit.records[-1].kind == "disclosure"
        assert list(reader.holder.audit.outcomes.values())[-1].status == 304

    @pytest.mark.parametrize("tags", [('W/"70"',), ("7",), ('W/"7',), ('W/"8"',), ("",)])
    async def test_anything_else_is_sent(self, reader: Peer, tags: tuple[str, ...]) -> None:
        assert (await reader.ask("GET", "Practitioner/d1", if_none_match=tags)).status == 200

    async def test_a_refusal_does_not_become_a_304(self, reader: Peer) -> None:
        reader.holder.consents.fact = lambda: OBJECTION
        with pytest.raises(RequestError) as refused:
            await reader.ask("GET", "Practitioner/d1", if_none_match=("*",))
        assert refused.value.status == 403

    @pytest.mark.parametrize("etag", ['W/"http://ehr.internal/7"', "7", 'W/"a b"', 'W/"' + "7" * 65 + '"'])
    async def test_a_tag_that_is_no_version_stays_inside(self, reader: Peer, etag: str) -> None:
        reader.holder.server.instead["Practitioner"] = self.tagged(etag)
        assert (await reader.ask("GET", "Practitioner/d1")).headers == {}

    async def test_searches_are_always_sent(self, reader: Peer) -> None:
        assert (await reader.ask(*FLAGS, if_none_match=("*",))).status == 200
