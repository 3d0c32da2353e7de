"""How revocation lists and the deny list are, and what to do (``/status``)."""

from node.health import Check, Finding
from node.pki.deny_list import GRACE_SECONDS, REFRESH_SECONDS, DenyListKeeper
from node.pki.revocation_lists import RevocationLists
from node.ports import Clock


def check_revocation_lists(lists: RevocationLists, clock: Clock) -> Check:
    """Lists that were needed are current, and their publishers answer."""

    async def check() -> Finding:
        states = lists.states()
        now = clock.now()
        remedy = "let this node reach that address (plain http, mostly port 80); a proxy or firewall may be in the way"
        for state in states:
            if state.due is None or state.due <= now:
                return Finding(
                    state="degraded",
                    detail=f"there is no current revocation list at {state.url}: {state.failure}; certificates that name it are refused",
                    remedy=remedy,
                )
        for state in states:
            if state.failure is not None and state.due is not None:
                return Finding(
                    state="degraded",
                    detail=f"the revocation list at {state.url} can not be had: {state.failure}; "
                    f"the last one counts until {state.due:%Y-%m-%d %H:%M} UTC",
                    remedy=remedy,
                )
        return Finding(state="ok", detail=f"{len(states)} revocation lists, all current")

    return check


def check_deny_list(keeper: DenyListKeeper) -> Check:
    """The deny list is there and fresh."""

    async def check() -> Finding:
        if keeper.age is None:
            await keeper.current()
        age = keeper.age
        remedy = "can this node reach that address? are pki.deny_list and pki.deny_list_key those of its publisher?"
        if age is None or age >= GRACE_SECONDS:
            return Finding(
                state="degraded",
                detail=f"there is no deny list: {keeper.url}: {keeper.failure}; credentials of certificates are refused",
                remedy=remedy,
            )
        if age > 2 * REFRESH_SECONDS:
            return Finding(
                state="degraded",
                detail=f"the deny list is {age / 3600:.0f} h old: {keeper.failure}; "
                f"it counts for {(GRACE_SECONDS - age) / 3600:.0f} h more",
                remedy=remedy,
            )
        return Finding(state="ok", detail=f"the deny list is {age / 60:.0f} min old")

    return check
