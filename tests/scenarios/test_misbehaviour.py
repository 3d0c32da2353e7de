"""A holder's record system misbehaves: the asker is told the right state, the holder has it on record, nothing wrong gets through."""

import pytest

from examples.region.answer import Answer
from examples.region.askers import ASKERS
from examples.region.ehr.pages import STRAY_BSN
from examples.region.network import Region
from examples.region.organisations import GOUWE, LINDE, OEVER
from examples.region.patients import TRUUS
from tests.scenarios.conftest import Misbehave
from tests.scenarios.marks import SCENARIO
from tests.scenarios.misbehaving import RecordSystem, identities
from tests.scenarios.waiting import eventually

pytestmark = SCENARIO

OUTCOME_SECONDS = 5.0


async def ask(region: Region, step: str, *, deadline_ms: int = 20_000) -> Answer:
    """The GP asks the hospital one step of ``medication``."""
    return await region.vendor(GOUWE.key).ask(
        "medication",
        TRUUS.bsn,
        ASKERS[GOUWE.key].for_question(),
        holders=[LINDE.ura],
        steps=[step],
        deadline_ms=deadline_ms,
    )


async def until_outcome(system: RecordSystem, wanted: str) -> None:
    """Outcomes ride along with the next write: wait until the newest access has this one."""

    async def is_there() -> bool:
        return any(wanted in outcome for outcome in await system.outcomes(1))

    await eventually(is_there, seconds=OUTCOME_SECONDS)


@pytest.mark.parametrize(
    ("kind", "reason", "recorded"),
    [
        ("broken_json", "status_502", "own_server_"),
        ("error_500", "status_502", "own_server_500"),
        ("html", "status_502", "own_server_"),
        ("wrong_patient", "status_502", "withheld_"),
    ],
)
async def test_an_answer_that_can_not_be_used_is_failed_and_on_record(
    region: Region, misbehave: Misbehave, kind: str, reason: str, recorded: str
) -> None:
    hospital = misbehave(LINDE.key)
    await hospital.misbehave(kind, "/r4/MedicationRequest")
    answer = await ask(region, "medication-agreements")
    place = (LINDE.ura, "medication-agreements")
    assert (answer.states[place], answer.sources[-1]["reason"]) == ("failed", reason)
    assert answer.missing == {(*place, "failed")}
    assert answer.resources == ()
    await until_outcome(hospital, recorded)


async def test_a_page_with_another_patient_is_withheld_whole_and_raises_an_alarm(
    region: Region, misbehave: Misbehave
) -> None:
    hospital = misbehave(LINDE.key)
    before = await ask(region, "medication-agreements")
    assert len(before.resources) >= 3
    size = hospital.log_size()
    await hospital.misbehave("wrong_patient", "/r4/MedicationRequest")
    answer = await ask(region, "medication-agreements")
    assert answer.resources == ()  # not thinned out: the patient's own are withheld too
    log = hospital.logged_since(size)
    assert "ALARM" in log
    assert "step=medication-agreements" in log


async def test_another_patient_under_the_same_number_is_nobody(region: Region, misbehave: Misbehave) -> None:
    """The match itself brings somebody else along: the page is withheld, and nothing is asked about either of them."""
    hospital = misbehave(LINDE.key)
    await hospital.misbehave("wrong_patient", "/r4/Patient")
    answer = await ask(region, "medication-agreements")
    assert answer.states == {(LINDE.ura, None): "failed"}
    assert answer.resources == ()
    assert STRAY_BSN not in str(answer)


async def test_pages_without_end_are_cut_off_by_the_asker(region: Region, misbehave: Misbehave) -> None:
    hospital = misbehave(LINDE.key)
    await hospital.misbehave("endless_pages", "/r4/MedicationRequest")
    answer = await ask(region, "medication-agreements")
    place = (LINDE.ura, "medication-agreements")
    assert (answer.states[place], answer.sources[-1]["reason"]) == ("failed", "too_many_pages")
    assert len(identities(answer.resources)) <= len((await _everything(region, hospital)).resources)
    await until_outcome(hospital, "delivered")


async def test_a_slow_answer_in_time_is_ok(region: Region, misbehave: Misbehave) -> None:
    hospital = misbehave(LINDE.key)
    await hospital.misbehave("slow", "/r4/MedicationRequest", delay_ms=400)
    answer = await ask(region, "medication-agreements")
    assert answer.states == {(LINDE.ura, "medication-agreements"): "ok"}
    assert answer.sources[-1]["ms"] >= 400


@pytest.mark.parametrize("kind", ["slow", "silent"])
async def test_no_answer_before_the_deadline_is_a_timeout(region: Region, misbehave: Misbehave, kind: str) -> None:
    hospital = misbehave(LINDE.key)
    await ask(region, "dispenses")  # a token and the facts are there: only the record system is slow
    await hospital.misbehave(kind, "/r4/MedicationRequest", delay_ms=30_000)
    answer = await ask(region, "medication-agreements", deadline_ms=1_500)
    assert answer.states == {(LINDE.ura, "medication-agreements"): "timeout"}
    assert answer.ms < 3_000
    await until_outcome(hospital, "cut_off")


async def test_a_silent_record_system_is_given_up_on_after_the_step_limit(region: Region, misbehave: Misbehave) -> None:
    """Others are not held up by it, and no deadline has to be given."""
    hospital = misbehave(LINDE.key)
    await hospital.misbehave("silent", "/r4/MedicationRequest")
    answer = await region.vendor(GOUWE.key).ask(
        "medication", TRUUS.bsn, ASKERS[GOUWE.key].for_question(), holders=[LINDE.ura]
    )
    assert answer.states[LINDE.ura, "medication-agreements"] == "timeout"
    assert answer.states[LINDE.ura, "dispenses"] == "none_recorded"
    assert answer.ms < 10_000


async def test_what_a_silent_server_can_not_say_is_not_guessed(region: Region, misbehave: Misbehave) -> None:
    """De Oever's server answers no search for patients: no facts, no data, and nobody is called unknown."""
    home_care = misbehave(OEVER.key)
    await home_care.misbehave("error_500", "/stu3/Patient")
    answer = await region.vendor(GOUWE.key).ask("ha-vvt", TRUUS.bsn, ASKERS[GOUWE.key].for_question())
    assert set(answer.states.values()) == {"failed"}
    assert answer.resources == ()


async def _everything(region: Region, system: RecordSystem) -> Answer:
    await system.behave()
    return await ask(region, "medication-agreements")
