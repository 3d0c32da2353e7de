"""5. The GP asks for Aïcha's medication: mental health holds a denying consent, and gives nothing away.

That an answer tells nothing has to be seen on the wire: it must be byte for byte the answer about somebody who was never there.
"""

import json

from examples.region.answer import Answer
from examples.region.askers import ASKERS
from examples.region.checking import check_found, check_origin
from examples.region.commands import hazel
from examples.region.ehr.pages import STRAY_BSN
from examples.region.organisations import GOUWE, HOFSTEDE, MEDICATION, WENDING
from examples.region.patients import AICHA
from examples.region.peer import Peer
from examples.region.running_node import OK
from examples.region.showing import LiveAnswer
from examples.region.stage import Stage, expect, expect_equal

TITLE = f"The GP asks medication of {AICHA.name} (P3), who objects at mental health"

UNKNOWN_BSN = STRAY_BSN
"""A number that is well formed and belongs to nobody in the region."""

VARYING_HEADERS = frozenset({"date"})


async def tell(stage: Stage) -> str:
    """See that the GP learns nothing, the pharmacy answers all the same, and the holder's own operator sees why."""
    gp, user = stage.vendor(GOUWE.key), ASKERS[GOUWE.key].for_question()
    # (1) the GP sees not_available and nothing more; others are not affected
    answer = await gp.ask("medication", AICHA.bsn, user, on_line=LiveAnswer(stage))
    expect_equal("who is asked", answer.asked, {WENDING.ura: "r4", HOFSTEDE.ura: "r4"})
    expect_equal("states of mental health", _of(answer, WENDING.ura), {None: "not_available"})
    expect_equal("resources of mental health", len(answer.of_holder(WENDING.ura)), 0)
    expect_equal("what is missing", answer.missing, {(WENDING.ura, None, "not_available")})
    expect("the answer says that it is not complete", is_true=not answer.is_complete)
    check_found(answer, HOFSTEDE.ura, {"medication-use": 1, "medication-agreements": 0, "dispenses": 3})
    check_origin(stage, answer, AICHA)
    # (2) the same as about somebody who was never there
    named = {bsn: await gp.ask("medication", bsn, user, holders=[WENDING.ura]) for bsn in (AICHA.bsn, UNKNOWN_BSN)}
    expect_equal("sources about Aïcha and about nobody", *(_shape(one) for one in named.values()))
    size = await _compare_bytes(stage)
    stage.display.seen(
        f"the answer is byte for byte that about an unknown person ({size} bytes), status and headers too"
    )
    # (3) mental health's own operator sees why
    why = await _explain(stage)
    return f"the GP sees not_available, mental health's operator sees why: {why}"


def _of(answer: Answer, ura: str) -> dict[str | None, str]:
    return {step: state for (holder, step), state in answer.states.items() if holder == ura}


def _shape(answer: Answer) -> list[dict[str, object]]:
    return [{name: value for name, value in line.items() if name != "ms"} for line in answer.sources]


async def _compare_bytes(stage: Stage) -> int:
    peer = Peer(stage.vendor(GOUWE.key), stage.node(WENDING.key), stage.region.peers)
    token = await peer.token(MEDICATION)
    denied, unknown = [await peer.search_patient(token, "r4", bsn) for bsn in (AICHA.bsn, UNKNOWN_BSN)]
    expect_equal("status of the answer about Aïcha", denied.status, OK)
    expect_equal("status of the answer about nobody", unknown.status, OK)
    expect("the bodies about Aïcha and about nobody are the same bytes", is_true=denied.body == unknown.body)
    expect("the answer has no entries", is_true="entry" not in json.loads(denied.body))
    headers = [
        {name: value for name, value in one.headers.items() if name not in VARYING_HEADERS} for one in (denied, unknown)
    ]
    expect_equal("headers about Aïcha and about nobody", *headers)
    return len(denied.body)


async def _explain(stage: Stage) -> str:
    """Look the refusal up in mental health's own log, and let ``hazel explain`` say why, as its operator would."""
    wending = stage.vendor(WENDING.key)
    report = await wending.report(AICHA.bsn)
    refused = [entry for entry in report["entries"] if entry["decision"] == "deny"]
    expect("mental health's log holds the refusals", is_true=len(refused) >= 1)
    newest = refused[0]
    expect_equal("who was refused", newest["who"]["ura"], GOUWE.ura)
    outcome = await hazel("explain", str(newest["seq"]), "--json", config=wending.node.config)
    expect_equal(f"exit code of {outcome.command} ({outcome.err.strip()})", outcome.code, 0)
    explained = outcome.data()
    expect_equal("decision explained", explained["decision"], "deny")
    rule = next(one for one in explained["rules"] if one["outcome"] == "deny")
    expect_equal("rule that refused", rule["code"], "objection_recorded")
    stage.display.seen(f"{outcome.command}: {rule['rule']}: {rule['message']}")
    return str(rule["code"])
