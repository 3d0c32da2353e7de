"""One side of a step: a node, the organisations on it, and what it has given the other side so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from node.web.client import Client
from tests.interop.vendor import Vendor
from tests.support.foreign_node.node import ForeignNode


@dataclass(slots=True, kw_only=True)
class Seat:
    """One of the two nodes with its organisations.

    Attributes:
        name: "Hazel" or "nuts-node".
        public: public base URL.
        holder: name of the organisation that holds and asks; ``did`` its DID.
        issuer: name of the organisation that issues; ``issuer_did`` its DID.
        hosted: the discovery service that this node hosts for those with a certificate.
        hosted_ldp: the one for those with a JSON-LD credential.
        version: of the node.
        organisation: name, city, URA and kind of the holder.
        fhir: base URL of its FHIR server, as others reach it.
        network: calls it there.
        revocations: where the authority of certificates publishes which it has revoked.
        crowd: where a great number of organisations can be made; the same for both sides.
        issued: what this node issued to the other side, by what it was for.
        noted: what a step found here that a later one needs.
    """

    name: str
    vendor: Vendor
    public: str
    hosted: str
    hosted_ldp: str
    version: str
    holder: str
    did: str
    issuer: str
    issuer_did: str
    organisation: Mapping[str, str]
    fhir: str
    network: Client
    revocations: str
    crowd: ForeignNode
    issued: dict[str, Any] = field(default_factory=dict)
    noted: dict[str, Any] = field(default_factory=dict)

    @property
    def server(self) -> str:
        """The holder's authorization server."""
        return f"{self.public}/oauth2/{self.holder}"
