"""The deny list that the operator names: fetched hourly, verified, and counted for a day when its publisher is away.

The list has no date of its own, so its age is the time since it was last fetched. Before the first fetch, and after a day without
one, nobody can tell who is denied: certificates are then refused (`credentials.x509.revocation`).
"""

import base64
import binascii
import logging
from http import HTTPStatus

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from credentials.errors import CredentialError
from credentials.keys import PublicKey
from credentials.unavailable import Unavailable
from credentials.x509.deny_list import MAX_DENY_LIST_BYTES, DenyList
from node.identity.single_flight import SingleFlight
from node.ports import Clock, HttpClient, HttpRequest, PeerError

logger = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds for one fetch."""
REFRESH_SECONDS = 3_600.0
"""How often the list is asked for (nuts-node: the same)."""
RETRY_SECONDS = 60.0
"""After a failure."""
GRACE_SECONDS = 86_400.0
"""How long a list counts when no newer one can be had. nuts-node lets it count for ever."""
PAUSE_SECONDS = 5.0
"""After a failure, how long nobody waits for another attempt."""


def read_signer(text: str) -> PublicKey:
    """Read the key of a deny list's signer as it stands in the configuration: what is between BEGIN and END PUBLIC KEY.

    Raises:
        ValueError: it is not such a key.
    """
    lines = [line for line in text.replace("\\n", "\n").splitlines() if not line.startswith("-----")]
    try:
        return PublicKey.from_key(load_der_public_key(base64.b64decode("".join(lines), validate=True)))
    except (ValueError, binascii.Error, UnsupportedAlgorithm, CredentialError) as error:
        raise ValueError("is not a public key in base64") from error


class DenyListKeeper:
    """Keeps one deny list.

    Args:
        peers: reaches its publisher.
        clock: measures age.
        url: where it is.
        signer: the key that has to have signed it.
    """

    def __init__(self, peers: HttpClient, clock: Clock, *, url: str, signer: PublicKey) -> None:
        self.url = url
        self._peers = peers
        self._clock = clock
        self._signer = signer
        self._found: DenyList | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None
        self._failure: str | None = None
        self._flight: SingleFlight[str, None] = SingleFlight()

    @property
    def age(self) -> float | None:
        """Seconds since the list was last fetched; None when it never was."""
        return None if self._found is None else self._clock.monotonic() - self._fetched_at

    @property
    def failure(self) -> str | None:
        """Why the last attempt gave no list; None when it did."""
        return self._failure

    async def current(self) -> DenyList | Unavailable:
        """Return the list, or why there is none that counts. Waits only when there is none."""
        found = self._counting()
        if found is None:
            now = self._clock.monotonic()
            if self._tried_at is None or self._failure is None or now - self._tried_at >= PAUSE_SECONDS:
                await self.refresh()
            found = self._counting()
        return found if found is not None else Unavailable(f"{self.url}: {self._failure or 'too old'}")

    async def refresh(self) -> None:
        """Ask the publisher; a failure is kept, logged once, and not raised."""
        await self._flight.run(self.url, self._fetch)

    async def run(self) -> None:
        """Ask for the list again and again, for as long as the node lives."""
        while True:
            await self.refresh()
            await self._clock.sleep(REFRESH_SECONDS if self._failure is None else RETRY_SECONDS)

    def _counting(self) -> DenyList | None:
        age = self.age
        return self._found if age is not None and age < GRACE_SECONDS else None

    async def _fetch(self) -> None:
        failure: str | None = None
        try:
            answer = await self._peers.send(
                HttpRequest(method="GET", url=self.url, max_bytes=MAX_DENY_LIST_BYTES, timeout=TIMEOUT)
            )
            if answer.status == HTTPStatus.OK:
                self._found = DenyList.parse(answer.body.decode("ascii", "replace"), self._signer)
                self._fetched_at = self._clock.monotonic()
            else:
                failure = f"the answer has status {answer.status}"
        except (PeerError, CredentialError) as error:
            failure = str(error)
        if failure is not None and self._failure is None:
            logger.warning("deny list can not be had", extra={"origin": self.url, "cause": failure})
        if failure is None and self._failure is not None:
            logger.info("deny list is back", extra={"origin": self.url})
        self._failure = failure
        self._tried_at = self._clock.monotonic()
