"""Credentials at rest: sealed, since one may name a citizen (PatientEnrollmentCredential holds a citizen number).

Sealed is the credential itself, bound to its row: whose it is and its id. What is searched by stays readable where it names
organisations (DIDs, ids of keys and lists); what somebody else chose and is only compared becomes a keyed digest, which can not be
reversed by trying all citizen numbers, as a plain one can.
"""

import json
from typing import Literal, Self

from credentials.encoding import b64url_encode
from node.audit.pseudonym import holds_bsn
from node.audit.seal import Sealer
from node.ports import Entropy, KeyVault


class CredentialSeal:
    """Seals the credentials of one table.

    Args:
        sealer: for the purpose "wallet" or "issued".
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    @classmethod
    def of(cls, vault: KeyVault, purpose: Literal["wallet", "issued"], entropy: Entropy) -> Self:
        """Return the seal of a table, under the vault's secret ``seal``."""
        return cls(Sealer(vault.secret("seal"), purpose=purpose, entropy=entropy))

    def seal(self, text: str, *place: str) -> bytes:
        """Seal ``text`` for one place: subject, credential id, and a word where a row has more than one."""
        return self._sealer.seal(text.encode(), _bound_to(place))

    def unseal(self, sealed: bytes, *place: str) -> str:
        """Open what :meth:`seal` made for the same place.

        Raises:
            SealError: it was changed, comes from another row, or was sealed under another secret.
        """
        return self._sealer.unseal(sealed, _bound_to(place)).decode()

    def digest(self, text: str) -> str:
        """Return what stands in a column for a text that is only compared: 43 characters, the same for the same text."""
        return b64url_encode(self._sealer.digest(text.encode()))

    def name_of(self, credential_id: str) -> str:
        """Return what a row is called: the credential's id, or its digest when a citizen number stands in it.

        The DID that an id begins with is left: it names the issuer, and ids that we gave are that DID and a UUID.
        """
        own = credential_id.partition("#")[2] if credential_id.startswith("did:") else credential_id
        return f"sealed:{self.digest(credential_id)}" if holds_bsn(own) else credential_id


def _bound_to(place: tuple[str, ...]) -> bytes:
    return json.dumps(place).encode()  # not joined with a separator: an id may hold any
