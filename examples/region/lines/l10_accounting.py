"""10. The patient asks who looked: a report over all nodes, every chain verified, and one changed byte found."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from examples.region.commands import hazel
from examples.region.organisations import GOUWE, HOFSTEDE, INTRUDER, LINDE, OEVER, RSO, WENDING
from examples.region.patients import AICHA, TRUUS, Citizen
from examples.region.stage import Stage, expect, expect_equal
from examples.region.tampering import change_one_byte, copy_audit

TITLE = "Who looked at what, when, and what was refused: the access report over all nodes"

Report = Mapping[str, Any]


async def tell(stage: Stage) -> str:
    """Read both patients' reports at all six nodes, look up the refusals, verify every chain, and break a copy of one."""
    truus, aicha = await _reports(stage, TRUUS), await _reports(stage, AICHA)
    _check_truus(truus)
    _check_aicha(aicha)
    accesses = _show(stage, TRUUS, truus) + _show(stage, AICHA, aicha)
    refusals = await _check_other_refusals(stage)
    rows = await _verify_all(stage)
    found = await _find_changed_byte(stage)
    return f"{accesses} accesses and {refusals} other refusals on record; 6 chains verify, {rows} rows; changed byte: {found}"


async def _reports(stage: Stage, citizen: Citizen) -> dict[str, Report]:
    keys = list(stage.region.nodes)
    reports = await asyncio.gather(*(stage.vendor(key).report(citizen.bsn) for key in keys))
    for key, report in zip(keys, reports, strict=True):
        expect(f"the report of {key} is complete", is_true=bool(report["complete"]))
    return dict(zip(keys, reports, strict=True))


def _seen(report: Report, **wanted: str) -> list[Mapping[str, Any]]:
    """Return the entries of a report that say all of ``wanted``."""
    return [entry for entry in report["entries"] if all(entry[name] == value for name, value in wanted.items())]


def _check_truus(reports: Mapping[str, Report]) -> None:
    for holder, asker in ((OEVER, GOUWE), (GOUWE, OEVER), (LINDE, GOUWE), (HOFSTEDE, GOUWE)):
        given = _seen(reports[holder.key], kind="disclosure", direction="inbound", decision="permit")
        expect(f"{holder.name} has on record what it gave", is_true=bool(given))
        expect_equal(f"who was given something by {holder.name}", {one["who"]["ura"] for one in given}, {asker.ura})
        expect_equal(f"on which basis {holder.name} gave it", {one["why"]["basis"] for one in given}, {"care_team"})
        asked = _seen(reports[asker.key], kind="request", direction="outbound")
        expect(
            f"{asker.name} has on record that it asked {holder.name}",
            is_true=holder.ura in {one["who"]["ura"] for one in asked},
        )
    for key in (WENDING.key, RSO.key):  # she is not in care there; the report itself is on record
        expect_equal(
            f"what {key} has on record about her", {one["kind"] for one in reports[key]["entries"]}, {"report"}
        )


def _check_aicha(reports: Mapping[str, Report]) -> None:
    refused = _seen(reports[WENDING.key], decision="deny")
    expect("mental health has the refusals on record", is_true=len(refused) >= 2)  # noqa: PLR2004  # by question, and by hand
    expect_equal("why", {one["code"] for one in refused}, {"objection_recorded"})
    expect_equal("who was refused", {one["who"]["ura"] for one in refused}, {GOUWE.ura})
    expect_equal("what mental health gave", _seen(reports[WENDING.key], kind="disclosure"), [])
    expect("the objection itself is on record", is_true=bool(_seen(reports[WENDING.key], kind="consent")))


def _show(stage: Stage, citizen: Citizen, reports: Mapping[str, Report]) -> int:
    """Show who asked whom about a citizen, for what and when; return how many accesses there were."""
    stage.display.text(f"    {citizen.name} ({citizen.key})")
    accesses = 0
    for key, report in reports.items():
        inbound = _seen(report, direction="inbound")
        accesses += len(inbound)
        for ura in dict.fromkeys(str(one["who"]["ura"]) for one in inbound):
            mine = [one for one in inbound if str(one["who"]["ura"]) == ura]
            permitted = sum(one["decision"] == "permit" for one in mine)
            stage.display.text(
                f"      {str(mine[0]['at'])[:19].replace('T', ' ')} UTC  {mine[0]['who']['user']} of {stage.name(ura)} "
                f"at {stage.node(key).organisation.name}: {permitted} given, {len(mine) - permitted} refused"
            )
            stage.display.note(f"                         {_what(mine)}")
    return accesses


def _what(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the use cases and kinds of resources that were asked, in the order in which that happened."""
    asked: dict[str, dict[str, None]] = {}
    for entry in reversed(entries):
        kind = str(entry["what"]["interaction"] or "").rpartition(" ")[2]
        asked.setdefault(str(entry["what"]["usecase"]), {})[kind] = None
    return "; ".join(f"{usecase}: {', '.join(kinds)}" for usecase, kinds in asked.items())


async def _check_other_refusals(stage: Stage) -> int:
    """See that refusals that were about no patient of ours are on record too: the intruder's, and the extra parameter."""
    count = 0
    for key, marks in stage.refusals.items():
        bundle = await stage.vendor(key).get(f"/audit/v1/{key}", outcome="deny")
        events = [entry["resource"] for entry in bundle.get("entry", ())]
        for mark in marks:
            expect(
                f"{key} has the refusal of {mark} on record", is_true=any(_mentions(event, mark) for event in events)
            )
            count += 1
    stage.display.seen(f"{count} refusals that were about nobody: {INTRUDER.name}, and the extra parameter")
    return count


def _mentions(value: object, mark: str) -> bool:
    match value:
        case str():
            return mark in value
        case dict():
            return any(_mentions(one, mark) for one in value.values())
        case list():
            return any(_mentions(one, mark) for one in value)
        case _:
            return False


async def _verify_all(stage: Stage) -> int:
    """Let every node verify its own chain and signed heads; return how many rows there are."""
    reports = await asyncio.gather(
        *(stage.vendor(key).post(f"/audit/v1/{key}/verify", None) for key in stage.region.nodes)
    )
    rows = 0
    for key, report in zip(stage.region.nodes, reports, strict=True):
        expect_equal(f"findings in the log of {key}", report["findings"], [])
        expect(f"signatures in the log of {key} were checked", is_true=bool(report["signatures_checked"]))
        rows += sum(int(lane["rows"]) for lane in report["lanes"])
    heads = await asyncio.gather(*(stage.vendor(key).get(f"/audit/v1/{key}/head") for key in stage.region.nodes))
    expect_equal("nodes that sign the head of their chain", sum(bool(head.get("jws")) for head in heads), len(reports))
    stage.display.seen(f"{len(reports)} chains verify, {rows} rows in all, each under a signed head")
    return rows


async def _find_changed_byte(stage: Stage) -> str:
    """Change one byte in a copy of mental health's log: ``hazel audit verify`` finds it, and nothing in a true copy."""
    wending = stage.node(WENDING.key)
    true_copy = copy_audit(wending, stage.region.directory / "copies" / "true")
    changed_copy = copy_audit(wending, stage.region.directory / "copies" / "changed")
    place = change_one_byte(changed_copy)
    good, bad = await asyncio.gather(
        *(
            hazel("audit", "verify", "--database", copy, "--json", config=wending.config)
            for copy in (true_copy, changed_copy)
        )
    )
    expect_equal(f"exit code of hazel audit verify on a true copy ({good.err.strip()})", good.code, 0)
    expect_equal("exit code of hazel audit verify after one byte was changed", bad.code, 1)
    expect_equal("findings in a true copy", good.data()["findings"], [])
    findings = bad.data()["findings"]
    expect(f"a finding names row {place}", is_true=any(int(one["seq"]) == place for one in findings))
    stage.display.seen(f"hazel audit verify, one byte changed in row {place} of a copy: {findings[0]['message']}")
    return f"found, in row {place}"
