"""Which of our DIDs answers a presentation definition, with which credentials (WIRE §2.15)."""

from collections.abc import Mapping
from dataclasses import dataclass

from credentials.did.identifier import DID, did_method
from credentials.errors import CredentialError, MalformedError
from credentials.ports import PrivateKey
from credentials.query.definition import PresentationDefinition
from credentials.query.matching import Match, NoMatch, match_wallet
from credentials.vc.credential import SignedCredential
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.oauth.errors import TokenRefusedError
from node.oauth.peer_metadata import ServerMetadata
from node.oauth.self_attested import own_word
from node.oauth.wish import Wish
from node.ports import Clock, Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An answer to a definition: who presents what.

    Attributes:
        key: signs the presentation, and the proof that a token gets bound to.
    """

    holder: DID
    definition: PresentationDefinition
    match: Match
    key: PrivateKey


class WalletChoice:
    """Chooses from wallets, and adds what an organisation says itself."""

    def __init__(self, *, subjects: Subjects, wallet: Wallet, clock: Clock, entropy: Entropy) -> None:
        self._subjects = subjects
        self._wallet = wallet
        self._clock = clock
        self._entropy = entropy

    async def choose(
        self,
        subject: str,
        metadata: ServerMetadata,
        definition: PresentationDefinition,
        wish: Wish,
        selection: Mapping[str, str],
    ) -> Chosen:
        """Return the first of the DIDs of ``subject`` whose credentials satisfy everything.

        Raises:
            TokenRefusedError: none does, or the definition asks for too much work.
            VaultError: its key can not be used.
        """
        # (1) by a kind of DID that the other side resolves
        mine = (await self._subjects.get(subject)).dids
        usable = [did for did in mine if not metadata.did_methods or did_method(did) in metadata.did_methods]
        if not usable:
            raise TokenRefusedError("no_match", wish.server, "wallet")
        # (2) of what we hold, and what we say ourselves
        held = await self._wallet.credentials(subject)
        failure: CredentialError | None = None
        for did in usable:
            said = [each for each in held if each.subject_id == did] + self.own_word(did, wish)
            try:
                match = match_wallet(definition, said, selection=selection)
            except NoMatch as error:
                failure = failure or error
                continue
            except MalformedError as error:  # the definition asks for too much work
                raise TokenRefusedError("failed", wish.server, "definition") from error
            key = await self._subjects.signing_key(did)
            return Chosen(holder=did, definition=definition, match=match, key=key)
        raise TokenRefusedError("no_match", wish.server, "wallet") from failure

    def own_word(self, did: DID, wish: Wish) -> list[SignedCredential]:
        """Return what ``did`` says itself.

        Raises:
            MalformedError: what the vendor hands over is no credential.
        """
        return own_word(wish.credentials, wish.user, holder=did, fresh_id=self._entropy.uuid, now=self._clock.now())
