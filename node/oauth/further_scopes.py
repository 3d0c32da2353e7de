"""Scopes that were asked beside the profile: which of them are granted (WIRE §2.6).

``passthrough`` grants all of them; ``dynamic`` asks a decision point that the operator names (AuthZEN Access Evaluations), the profile
included: where that is denied, nothing is given; any other that is denied is left out. A decision point that does not answer, or not
what the protocol says, gives nobody a token.
"""

import json
from http import HTTPStatus
from typing import Any, Final

from credentials.errors import MalformedError
from credentials.fields import Fields
from node.oauth.claimed import Claimed
from node.oauth.definitions import ScopeAsked
from node.oauth.errors import OAuthCode, OAuthError
from node.ports import HttpClient, HttpRequest, HttpResponse, PeerError

TIMEOUT: Final = 10.0
"""Seconds for one answer (WIRE §2.6)."""

MAX_ANSWER: Final = 65_536
"""Bytes of an answer; seventeen decisions have about 1,000."""

MAX_WAITING: Final = 64
"""Token requests that may wait for the decision point; the next one is told to come back, rather than queued behind a slow one."""


class FurtherScopes:
    """Decides on further scopes.

    Args:
        own: reaches what the operator names.
        decision_point: base address of the AuthZEN decision point; ``None`` where no profile needs one.
    """

    def __init__(self, own: HttpClient, decision_point: str | None) -> None:
        self._own = own
        self._url = None if decision_point is None else f"{decision_point}/access/v1/evaluations"
        self._waiting = 0

    async def granted(self, scope: ScopeAsked, holder: str, claimed: Claimed) -> tuple[str, ...]:
        """Return the scopes that are granted beside the profile.

        Args:
            scope: as asked.
            holder: the organisation, which has proved who it is.
            claimed: what its presentations say.

        Raises:
            OAuthError: ``access_denied`` when the decision point denies the profile; ``server_error`` when it can not be told.
        """
        if scope.policy != "dynamic":
            return scope.further
        if self._url is None:  # the node does not start like this; nothing is granted on it either
            raise OAuthError(OAuthCode.SERVER_ERROR, "scopes can not be decided on", reason="decision_point")
        if self._waiting >= MAX_WAITING:
            raise OAuthError(
                OAuthCode.SERVER_ERROR,
                "scopes can not be decided on now",
                reason="decision_point_busy",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
            )
        asked = (scope.profile, *scope.further)
        self._waiting += 1
        try:
            response = await self._own.send(
                HttpRequest(
                    method="POST",
                    url=self._url,
                    headers={"Content-Type": "application/json", "Accept": "application/json"},
                    body=_question(scope.profile, asked, holder, claimed),
                    max_bytes=MAX_ANSWER,
                    timeout=TIMEOUT,
                )
            )
            permitted = _decisions(response, len(asked))
        except (PeerError, MalformedError) as error:
            reason = error.code if isinstance(error, PeerError) else "answer"
            raise OAuthError(
                OAuthCode.SERVER_ERROR, "scopes can not be decided on now", reason=f"decision_point_{reason}"
            ) from error
        finally:
            self._waiting -= 1
        if not permitted[0]:
            raise OAuthError(OAuthCode.ACCESS_DENIED, "scope is not given to this organisation", reason="denied")
        return tuple(name for name, permit in zip(asked[1:], permitted[1:], strict=True) if permit)


def _question(profile: str, asked: tuple[str, ...], holder: str, claimed: Claimed) -> bytes:
    """Write the question; nothing in it is the caller's word but the names of scopes."""
    claims = {name: value for name, value in claimed.claims.items() if value is not None}
    question: dict[str, Any] = {
        "subject": {"type": "organization", "id": holder, "properties": {"organization": claims}},
        "action": {"name": "request_scope"},
        "context": {"policy": profile},
        "evaluations": [{"resource": {"type": "scope", "id": name}} for name in asked],
    }
    return json.dumps(question, separators=(",", ":")).encode()


def _decisions(response: HttpResponse, count: int) -> tuple[bool, ...]:
    """Read one decision for each scope, in the order asked.

    Raises:
        MalformedError: no answer, another number of decisions, or one that is neither yes nor no.
    """
    if response.status != HTTPStatus.OK or response.media_type != "application/json":
        raise MalformedError("decisions: not an answer")
    evaluations = Fields.from_json(response.body, max_bytes=MAX_ANSWER, what="decisions").children("evaluations")
    decisions = tuple(each.raw("decision") for each in evaluations)
    if len(decisions) != count or any(decision is not True and decision is not False for decision in decisions):
        raise MalformedError("decisions: not one yes or no for each scope")
    return decisions
