"""Who calls: the token and its proof, from the headers as they came (ARCHITECTURE §2, inbound, step 1)."""

from node.exchange.incoming import Incoming
from node.exchange.refusal import Refusal, login
from node.exchange.refusing import Refusals
from node.oauth.errors import LoginCode
from node.oauth.refusals import RefusalCounter
from node.oauth.resource import Caller, LapsedError, LoginError, ResourceGuard


class Entrance:
    """Lets callers of one organisation in."""

    def __init__(self, guard: ResourceGuard, refusals: Refusals, counter: RefusalCounter, *, subject: str) -> None:
        self._guard = guard
        self._refusals = refusals
        self._counter = counter
        self._subject = subject

    async def log_in(self, incoming: Incoming) -> Caller:
        """Tell who calls; who doesn't show it is counted and not recorded (ARCHITECTURE §9), others are recorded.

        Raises:
            RequestError: 401.
        """
        try:
            return await self._guard.authenticate(
                authorization=_only(incoming.authorization, "malformed_token"),
                dpop=_only(incoming.proof, "proof_invalid"),
                method=incoming.method,
                url=incoming.url,
                subject=self._subject,
            )
        except LapsedError as error:
            await self._refusals.record(incoming, error.caller, Refusal(decision=None, code=error.code))
            raise login() from error
        except LoginError as error:
            self._counter.count(incoming.address, error.code)
            raise login(error) from error


def _only(values: tuple[str, ...], code: LoginCode) -> str | None:
    """Return the one header there is; of two, nobody can say which counts (RFC 9449 §4.3 (1))."""
    if len(values) > 1:
        raise LoginError(code)
    return values[0] if values else None
