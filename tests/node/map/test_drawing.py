"""The whole map: everybody by every use case, with what FHIR servers say of themselves."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from node.map import drawing, statements
from node.map.drawing import Means
from node.map.routes import answer
from node.map.statements import Statements
from node.oauth.explaining import WalletQuestion
from node.ports import HttpRequest, HttpResponse
from node.usecases.load import load_shipped
from node.web.boundary import boundary
from tests.node.doctor.setting import OWN_URA, URA, Neighbours
from tests.node.oauth.setting import SCOPE
from tests.support.keys import a_did
from tests.support.world import ManualClock, SimulatedInternet, everything_in, reply

MARK = "zq7-from-the-peer"
USECASES = [each.usecase for each in load_shipped() if each.usecase.id == "ha-vvt"]
TYPES = sorted({step.resource_type for each in USECASES for table in each.tables for step in table.steps})


def a_statement(*types: str, version: str = "4.0.1") -> HttpResponse:
    said = {
        "resourceType": "CapabilityStatement",
        "fhirVersion": version,
        "rest": [{"resource": [{"type": name} for name in types]}],
    }
    return reply(said, content_type="application/fhir+json")


@dataclass
class Wallet:
    """Says what it is told to say; keeps the questions."""

    lacks: str | None = None
    asked: list[WalletQuestion] = field(default_factory=list)

    async def explain(self, subject: str, asked: WalletQuestion) -> dict[str, Any]:
        self.asked.append(asked)
        holder = {"satisfied": self.lacks is None, "message": self.lacks}
        return {"satisfied": self.lacks is None, "definitions": [{"holders": [holder]}]}


@dataclass
class Region:
    """A region of GP practices, seen from a home care organisation."""

    clock: ManualClock = field(default_factory=ManualClock)
    internet: SimulatedInternet = field(default_factory=SimulatedInternet)
    neighbours: Neighbours = field(default_factory=Neighbours)
    wallet: Wallet = field(default_factory=Wallet)
    _means: Means | None = None

    def join(self, ura: str, said: HttpResponse | None = None, *, kind: str = "Z3") -> None:
        host = f"https://n{ura}.example"
        self.neighbours.register(ura, a_did(ura), f"{host}/oauth2/x", service=SCOPE, kind=kind, fhir=f"{host}/r4")
        if said is not None:

            async def site(_request: HttpRequest) -> HttpResponse:
                return said

            self.internet.sites[host] = site

    async def map(self, *, status: int = 200, **query: str) -> Any:
        if self._means is None:
            self._means = Means(
                registered=self.neighbours,
                explainer=self.wallet,
                statements=Statements(self.internet, self.clock),
                active=USECASES,
                services=frozenset({SCOPE}),
                own_ura=OWN_URA,
                own_type="T2",
                fhir=frozenset({"stu3"}),
            )
        means = self._means

        async def handler(request: web.Request) -> web.Response:
            return await answer(request, "oever", means)

        app = web.Application(middlewares=[boundary([], ())])
        app.router.add_get("/map", handler)
        async with TestClient(TestServer(app)) as client, client.get("/map", params=query) as got:
            body = await got.json()
            assert got.status == status, body
            return body


@pytest.fixture
def region() -> Region:
    region = Region()
    region.join(OWN_URA, kind="T2")
    return region


def cell(drawn: Any, ura: str = URA, direction: str = "ask") -> Any:
    [row] = [each for each in drawn["organisations"] if each["ura"] == ura]
    return row["cells"]["ha-vvt"][direction]


async def test_an_organisation_that_has_all_is_ready_in_both_directions(region: Region) -> None:
    region.join(URA, a_statement(*TYPES))
    drawn = await region.map()
    assert [each["ura"] for each in drawn["organisations"]] == [URA], "not ourselves"
    assert (cell(drawn)["state"], cell(drawn)["next"], cell(drawn)["statement"]) == ("ready", None, "said")
    assert cell(drawn, direction="answer")["state"] == "ready"
    assert drawn["own"]["registered"] == [SCOPE]


@pytest.mark.parametrize(
    ("said", "state", "statement", "code"),
    [
        (a_statement("Patient"), "missing", "said", "fhir_lacks"),
        (a_statement(*TYPES, version="3.0.2"), "missing", "said", "fhir_lacks"),
        (reply(MARK, status=500), "missing", "away", "fhir_away"),
        (reply(f"<html>{MARK}", content_type="text/html"), "missing", "away", "fhir_away"),
        (reply(b"{" * 9_000, content_type="application/fhir+json"), "missing", "away", "fhir_away"),
        (None, "missing", "away", "fhir_away"),
        (reply(MARK, status=401), "ready", "closed", None),
    ],
)
async def test_what_a_fhir_server_says_counts(
    region: Region, said: HttpResponse | None, state: str, statement: str, code: str | None
) -> None:
    region.join(URA, said)
    drawn = await region.map()
    found = cell(drawn)
    assert (found["state"], found["statement"]) == (state, statement)
    assert (found["next"] or {}).get("code") == code
    assert code is None or found["next"]["remedy"]
    assert MARK not in everything_in(drawn)


async def test_servers_are_asked_once_in_a_while_and_only_where_that_can_matter(region: Region) -> None:
    region.join(URA, a_statement(*TYPES))
    region.join("00003333", a_statement(*TYPES), kind="J8")  # nothing to ask of a pharmacy
    for _ in range(2):
        await region.map()
    assert region.internet.called("/metadata") == 1
    region.clock.jump(statements.KEEP_SECONDS)
    await region.map()
    assert region.internet.called("/metadata") == 2
    assert cell(await region.map(look="false"))["statement"] in ("said", "not_looked")


async def test_a_server_that_is_away_is_asked_again_after_a_minute(region: Region) -> None:
    region.join(URA)
    await region.map()
    region.clock.jump(statements.KEEP_FAILURE_SECONDS)
    await region.map()
    assert len(region.internet.calls) == 2


async def test_servers_that_never_answer_do_not_hold_the_map(region: Region) -> None:
    reached = asyncio.Event()

    async def silent(_request: HttpRequest) -> HttpResponse:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    region.join("00003333", a_statement(*TYPES))
    region.join(URA, a_statement(*TYPES))
    region.internet.sites[f"https://n{URA}.example"] = silent
    await region.map(ura="00003333")
    drawing_it = asyncio.create_task(region.map())
    await reached.wait()
    await region.clock.advance(statements.ALL_SECONDS + 1)
    drawn = await drawing_it
    assert cell(drawn)["statement"] == "not_looked"
    assert cell(drawn, "00003333")["statement"] == "said"


async def test_what_our_wallet_lacks_is_told_with_the_command_that_explains_it(region: Region) -> None:
    region.wallet.lacks = "no credential fits input descriptor id_x509credential"
    region.join(URA, a_statement(*TYPES))
    drawn = await region.map()
    assert drawn["own"]["lacking"] == {SCOPE: region.wallet.lacks}
    assert cell(drawn)["next"]["code"] == "no_credential"
    assert cell(drawn)["next"]["remedy"] == f"hazel credential explain {SCOPE}"
    assert region.internet.calls == [], "nobody is asked what would not be asked of them"
    assert all(each.authorization_server is None for each in region.wallet.asked)


async def test_a_use_case_that_is_not_active_here_is_shown_on_request(region: Region) -> None:
    region.join(URA, a_statement(*TYPES))
    assert [each["id"] for each in (await region.map())["usecases"]] == ["ha-vvt"]
    every = (await region.map(inactive="true"))["usecases"]
    assert [each["active"] for each in every if each["id"] == "medication"] == [False]


async def test_one_row_or_one_column_may_be_asked_for(region: Region) -> None:
    for ura in (URA, "00003333"):
        region.join(ura, a_statement(*TYPES))
    drawn = await region.map(ura=URA, usecase="ha-vvt")
    assert [each["ura"] for each in drawn["organisations"]] == [URA]


@pytest.mark.parametrize(
    "query", [{"usecase": "zq7"}, {"ura": "1"}, {"ura": "0000222x"}, {"look": "no"}, {"inactive": ""}, {"patient": "x"}]
)
async def test_a_question_that_is_none_is_a_bad_request(region: Region, query: dict[str, str]) -> None:
    said = await region.map(status=400, **query)
    assert "zq7" not in everything_in(said)


async def test_of_many_the_first_are_shown_and_the_others_counted(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "MAX_ROWS", 3)
    for number in range(5):
        region.join(f"{number + 90_000_000}")
    drawn = await region.map(look="false")
    assert (len(drawn["organisations"]), drawn["more"]) == (3, 2)
    assert cell(drawn, "90000000")["statement"] == "not_looked"
