"""Steps about what all this is for: reading a patient's data at the other, with a token of the other.

Hazel asks as its use case says and finds the vendor's server beside the nuts-node; the vendor of the nuts-node reads at Hazel's
enforcement point by hand. The patient is in care at both (the demo region's first citizen).
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from examples.region.answer import Answer
from examples.region.patients import BSN_SYSTEM, TRUUS
from node.ports import HttpRequest, HttpResponse
from tests.interop.agreements import X509
from tests.interop.registries import register
from tests.interop.seat import Seat
from tests.interop.step import Step, expect, require
from tests.interop.tokens import get
from tests.interop.vendor import FORM
from tests.interop.waiting import until

_CHAPTER = "Reading at the other"
_CATEGORY = "urn:oid:2.16.840.1.113883.2.4.3.11.60.20.77.5.3|6"
_PATIENCE = 5.0
_FOUND = {"medication-use": 2, "medication-agreements": 0, "dispenses": 7}
"""What the pharmacy's records hold about the patient, by step of the use case."""


async def asks(acting: Seat, other: Seat) -> str:
    """Hazel asks who knows something about the patient: the other is found, gives a token, and its vendor's server answers."""
    await register(other, acting.hosted)

    wanted = {
        (other.organisation["ura"], step): ("ok" if count else "none_recorded", count) for step, count in _FOUND.items()
    }

    async def is_complete() -> bool:
        return _states(await _question(acting)) == wanted

    await until(is_complete, seconds=_PATIENCE)  # the registration has to be seen first
    answer = await _question(acting)
    expect("who is asked", answer.asked, {other.organisation["ura"]: "r4"})
    expect("what came", _states(answer), wanted)
    return f"{len(answer.resources)} resources"


async def reads(acting: Seat, other: Seat) -> str:
    """Our vendor finds the patient at the other and reads the medication; without a fresh proof, or as Bearer, nothing."""
    await register(acting, other.hosted)
    token = await get(acting, other, X509, "DPoP")

    async def found() -> bool:
        return (await _search(acting, other, token, "Patient/_search", _identifier())).status == 200

    require("the patient search is answered", holds=await until(found, seconds=_PATIENCE))
    page = json.loads((await _search(acting, other, token, "Patient/_search", _identifier())).body)
    patient = str(page["entry"][0]["resource"]["id"])
    expect("the patient", patient, TRUUS.in_care[other.holder])
    query = urlencode({"patient": patient, "category": _CATEGORY, "_include": "MedicationStatement:medication"})
    answer = await _search(acting, other, token, f"MedicationStatement?{query}")
    expect("the status of the medication search", answer.status, 200)
    used = await _proof(acting, other, token, "POST", "Patient/_search")
    for what, headers in {
        "as a Bearer token": {"Authorization": f"Bearer {token['access_token']}"},
        "without a proof": {"Authorization": f"DPoP {token['access_token']}"},
    }.items():
        refused = await _send(other, "POST", "Patient/_search", headers, _identifier())
        expect(f"the status {what}", refused.status, 401)
    bound = {"Authorization": f"DPoP {token['access_token']}", "DPoP": used}
    expect(
        "the first use of a proof", (await _send(other, "POST", "Patient/_search", bound, _identifier())).status, 200
    )
    expect("the second", (await _send(other, "POST", "Patient/_search", bound, _identifier())).status, 401)
    return f"patient and {json.loads(answer.body)['total']} medications"


async def _question(acting: Seat) -> Answer:
    user = {"identifier": "U-1001", "role": "01.015", "name": "J. Jansen"}
    question = {"patient": {"system": BSN_SYSTEM, "value": TRUUS.bsn}, "user": user, "purpose": "TREAT", "fresh": True}
    reply = await acting.vendor.send("POST", f"/exchange/v1/{acting.holder}/{X509}", question)
    return Answer.of([json.loads(line) for line in str(reply.body).splitlines()])


def _states(answer: Answer) -> Mapping[tuple[str, str], tuple[str, int]]:
    return {
        (str(holder), str(step)): (str(state), answer.counts[holder, step])
        for (holder, step), state in answer.states.items()
        if step != "patient" and step is not None
    }


def _identifier() -> Mapping[str, str]:
    return {"identifier": f"{BSN_SYSTEM}|{TRUUS.bsn}"}


async def _search(
    acting: Seat, other: Seat, token: Mapping[str, Any], target: str, form: Mapping[str, str] | None = None
) -> HttpResponse:
    method = "GET" if form is None else "POST"
    proof = await _proof(acting, other, token, method, target)
    headers = {"Authorization": f"DPoP {token['access_token']}", "DPoP": proof}
    return await _send(other, method, target, headers, form)


async def _proof(acting: Seat, other: Seat, token: Mapping[str, Any], method: str, target: str) -> str:
    url = f"{other.fhir}/{target.partition('?')[0]}"
    return await acting.vendor.prove(str(token["dpop_kid"]), method, url, str(token["access_token"]))


async def _send(
    other: Seat, method: str, target: str, headers: Mapping[str, str], form: Mapping[str, str] | None
) -> HttpResponse:
    sent = {"Accept": "application/fhir+json", **headers, **({"Content-Type": FORM} if form is not None else {})}
    body = urlencode(form).encode() if form is not None else None
    return await other.network.send(
        HttpRequest(method=method, url=f"{other.fhir}/{target}", headers=sent, body=body, max_bytes=8 * 1024 * 1024)
    )


STEPS = (
    Step(
        id="exchange-ask", chapter=_CHAPTER, title="asks about a patient and gets what the other's vendor holds",
        run=asks, sides=("Hazel",),
    ),
    Step(
        id="exchange-read", chapter=_CHAPTER, title="lets its vendor read at the other's enforcement point",
        run=reads, sides=("nuts-node",),
    ),
)  # fmt: skip
