"""What the registry asks of the world (``registry.ports``), in terms of this node."""

from collections.abc import Callable
from http import HTTPStatus

from credentials.did.identifier import DID
from credentials.ports import PrivateKey
from node.identity.errors import UnknownSubjectError
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.keys.errors import VaultError
from node.keys.signing import sign_with
from node.oauth.metadata import issuer_url
from node.ports import HttpClient, HttpRequest, PeerError
from registry.errors import RejectedError, TransferError
from registry.ports import Registrant, Signed

TIMEOUT = 15.0
CAN_NOT_SIGN = "this node can not sign now"


class RegistryPeers:
    """Other hosts of discovery services (:class:`registry.ports.Peers`)."""

    def __init__(self, peers: HttpClient) -> None:
        self._peers = peers

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        """Return the body of a 200 reply."""
        request = HttpRequest(
            method="GET", url=url, headers={"Accept": "application/json"}, max_bytes=max_bytes, timeout=TIMEOUT
        )
        try:
            answer = await self._peers.send(request)
        except PeerError as error:
            raise TransferError(str(error)) from error
        if answer.status != HTTPStatus.OK:
            raise TransferError(f"the host answered {answer.status}", answer.status)
        return answer.body

    async def post(self, url: str, body: bytes) -> None:
        """Send ``body``; the reply has to be a success."""
        request = HttpRequest(
            method="POST", url=url, headers={"Content-Type": "application/json"}, body=body, timeout=TIMEOUT
        )
        try:
            answer = await self._peers.send(request)
        except PeerError as error:
            raise TransferError(str(error)) from error
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise TransferError(f"the host refused with {answer.status}", answer.status)


class OwnRegistrants:
    """Our own organisations, as they register (:class:`registry.ports.Registrants`)."""

    def __init__(self, subjects: Subjects, wallet: Wallet, public_url: str) -> None:
        self._subjects = subjects
        self._wallet = wallet
        self._public_url = public_url

    async def registrant(self, did: DID) -> Registrant:
        """Return one of them.

        Raises:
            RejectedError: we do not host it.
            TransferError: its key can not be used now.
        """
        name = await self._subjects.subject_of(did)
        if name is None:
            raise RejectedError("unknown_holder", "this organisation is not hosted here")
        try:
            key = await self._subjects.signing_key(did)
            credentials = await self._wallet.credentials(name)
        except UnknownSubjectError as error:
            raise RejectedError("unknown_holder", "this organisation is not hosted here") from error
        except VaultError as error:
            raise TransferError(CAN_NOT_SIGN) from error
        return Registrant(
            did=did,
            key=key,
            credentials=credentials,
            authorization_server=issuer_url(self._public_url, name),
            signing=_Door(key),
        )


class _Door:
    """Signs with one key through the door for all of them (``node/keys/signing.py``)."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    async def __call__(self, make: Callable[[], Signed], /) -> Signed:
        """Run ``make`` where signing with the key may wait."""
        try:
            return await sign_with(self._key, lambda _: make())
        except VaultError as error:
            raise TransferError(CAN_NOT_SIGN) from error
