"""What the operator is told about status lists."""

import pytest

from node.verification.checks import check_status_lists
from tests.node.verification.setting import ORIGIN, Setting
from tests.support.status_lists import LIST_URL


async def test_a_list_that_can_not_be_had_is_told_with_what_is_left() -> None:
    setting = Setting()
    check = check_status_lists(setting.verifier.status_lists, setting.clock)
    await setting.verifier.status_lists.get([LIST_URL])
    assert (await check()).state == "ok"
    setting.internet.broken[ORIGIN] = "timeout"
    setting.clock.jump(300)
    await setting.verifier.status_lists.get([LIST_URL])
    finding = await check()
    assert finding.state == "degraded"
    assert "10 min more" in finding.detail
    assert LIST_URL in finding.detail
    assert finding.remedy
    setting.clock.jump(601)
    assert "refused" in (await check()).detail


async def test_several_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting()
    lists = setting.verifier.status_lists
    now = setting.clock.now()
    monkeypatch.setattr(lists, "overdue", lambda: {f"{ORIGIN}/{number}": (now, "timeout") for number in range(3)})
    assert "and 2 more" in (await check_status_lists(lists, setting.clock)()).detail
