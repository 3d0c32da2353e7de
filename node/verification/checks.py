"""How the status lists in use are, and what to do (``/status``)."""

from credentials.status.check import STATUS_GRACE
from node.health import Check, Finding
from node.ports import Clock
from node.verification.status_lists import StatusLists


def check_status_lists(lists: StatusLists, clock: Clock) -> Check:
    """Issuers answer with their status lists; where one does not, how long its last list still counts."""

    async def check() -> Finding:
        away = sorted((since, url, reason) for url, (since, reason) in lists.overdue().items())
        if not away:
            return Finding(state="ok", detail="every status list in use is fresh")
        since, url, reason = away[0]
        left = (since + STATUS_GRACE - clock.now()).total_seconds()
        told = f"its last list counts for {left / 60:.0f} min more" if left > 0 else "credentials in it are refused"
        others = f", and {len(away) - 1} more" if len(away) > 1 else ""
        return Finding(
            state="degraded",
            detail=f"the status list at {url} can not be had: {reason}; {told}{others}",
            remedy="ask its issuer; can this node reach that address?",
        )

    return check
