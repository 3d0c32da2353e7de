"""An organisation on a foreign node: its did:web, its keys, its DID document, and what is in its wallet (WIRE §2.2)."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec

from credentials.keys import KeyId, SoftwareKey
from tests.support.foreign_node.jose import opened, public_jwk

_RELATIONSHIPS = ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation")


@dataclass(slots=True)
class Key:
    """A signing key with its id."""

    kid: str
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def jwk(self) -> dict[str, str]:
        """Its public half."""
        return public_jwk(self.private.public_key())

    @property
    def software(self) -> SoftwareKey:
        """The same for signing JSON-LD."""
        return SoftwareKey(KeyId(self.kid), self.private)


@dataclass(slots=True)
class Tenant:
    """An organisation.

    Attributes:
        base: public base URL of the node.
        subject: its name there, which is in its issuer URL and not in its DID.
        uuid: in its DID.
        keys: the first one signs, as with nuts-node.
        wallet: credentials about it.
    """

    base: str
    subject: str
    uuid: str = field(default_factory=lambda: str(uuid4()))
    keys: list[Key] = field(default_factory=list)
    wallet: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.keys:
            self.add_key()

    @property
    def did(self) -> str:
        """``did:web:<host>%3A<port>:iam:<uuid>``."""
        return f"did:web:{urlsplit(self.base).netloc.replace(':', '%3A')}:iam:{self.uuid}"

    @property
    def issuer(self) -> str:
        """Issuer URL and client id."""
        return f"{self.base}/oauth2/{self.subject}"

    @property
    def certified(self) -> str:
        """The X509Credential in its wallet, known by the certificates in its header."""
        return next(each for each in self.wallet if isinstance(each, str) and "x5c" in opened(each)[0])

    @property
    def key(self) -> Key:
        """The key that signs."""
        return self.keys[0]

    def add_key(self, *, first: bool = False) -> Key:
        """Add a key, which a nuts-node puts behind the others."""
        made = Key(f"{self.did}#{uuid4()}", ec.generate_private_key(ec.SECP256R1()))
        self.keys.insert(0 if first else len(self.keys), made)
        return made

    def document(self) -> dict[str, Any]:
        """The DID document."""
        methods = [
            {"id": key.kid, "type": "JsonWebKey2020", "controller": self.did, "publicKeyJwk": key.jwk}
            for key in self.keys
        ]
        return {
            "@context": [
                "https://www.w3.org/ns/did/v1",
                "https://w3c-ccg.github.io/lds-jws2020/contexts/lds-jws2020-v1.json",
            ],
            "id": self.did,
            "verificationMethod": methods,
            **{name: [key.kid for key in self.keys] for name in _RELATIONSHIPS},
        }
