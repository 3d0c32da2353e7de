"""The keys with which a node signs logs and cosigns those of others: they follow from one secret, so a backup of the vault has them."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from registry.service import ServiceDefinition
from registry.transparency.note import COSIGNATURE, ED25519, NoteSigner


def name_of(url: str) -> str:
    """The name of a key or log that lives at an address: the address without its scheme."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeys:
    """Keys of one node.

    Attributes:
        secret: 32 bytes from its vault.
        url: its public address.
    """

    secret: bytes = field(repr=False)
    url: str

    def own_url(self, service_id: str) -> str:
        """Where this node serves a list, as host or as mirror."""
        return f"{self.url}/discovery/{service_id}"

    def log(self, service: ServiceDefinition) -> NoteSigner:
        """The key of a log of our own. Its name is the one in the definition where the key is ours, else the address."""
        seed = self._seed(f"log {service.id}")
        named = service.log_key
        signer = NoteSigner.of(name_of(self.own_url(service.id)), ED25519, seed)
        if named is not None and named.public == signer.verifier.public:
            return NoteSigner.of(named.name, ED25519, seed)
        return signer

    def witness(self) -> NoteSigner:
        """The key under which this node cosigns, the same for all logs."""
        return NoteSigner.of(name_of(self.url), COSIGNATURE, self._seed("witness"))

    def is_host_key(self, service: ServiceDefinition) -> bool:
        """Whether the definition names the key with which we would sign that log."""
        return service.log_key is not None and service.log_key == self.log(service).verifier

    def is_mirror(self, service: ServiceDefinition) -> bool:
        """Whether the definition names us as a mirror."""
        return self.own_url(service.id) in service.mirrors

    def is_witness(self, service: ServiceDefinition) -> bool:
        """Whether the definition counts our cosignature."""
        return bool(service.witnesses) and self.witness().verifier in service.witnesses

    def _seed(self, use: str) -> bytes:
        return hmac.digest(self.secret, f"hazel discovery {use}".encode(), sha256)
