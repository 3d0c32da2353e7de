"""What is different with another kind of node, as far as somebody here will notice (docs/divergences.md has all of it). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.doctor.kind import Kind
from node.version import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is different there.

    Attributes:
        topic: a word or two.
        effect: what is noticed.
    """

    topic: str
    effect: str


_NUTS_NODE = (
    Difference(
        topic="revoked credentials",
        effect="it looks at a status list every 15 minutes, and not at all for a token that it gave: what is revoked ends there after"
        " 15 minutes, or when the token does (900 s)",
    ),
    Difference(
        topic="proofs of possession",
        effect="at its token endpoint it compares neither address nor age of a proof; whether a token is bound depends on the server that"
        " checks it",
    ),
    Difference(
        topic="several definitions",
        effect="it asks only for the one definition that the asker chooses; here every one that a scope requires is asked for",
    ),
    Difference(
        topic="errors",
        effect="a scope that we do not know is told to its vendor as 500 with our reason, not as 502",
    ),
)
_V6_2 = (
    Difference(
        topic="clock",
        effect="it grants no difference between clocks: ours may not be ahead of it (we sign one second in the past)",
    ),
    Difference(
        topic="certificates",
        effect="it refuses an X509Credential whose certificate is not made for servers too, as those of UZI care providers are not",
    ),
    Difference(topic="scopes", effect="it takes the scopes of a request for one name: ask for one at a time"),
    Difference(
        topic="metadata",
        effect="it looks for metadata where RFC 8414 puts it only: a proxy in front of this node has to let that path through",
    ),
    Difference(
        topic="service providers",
        effect="it knows neither service_provider_subject_id nor credential_selection",
    ),
)
_MASTER = (
    Difference(
        topic="service providers",
        effect="it can act for an organisation towards us, not the other way round: as a server it takes one presentation",
    ),
    Difference(topic="addresses", effect="it refuses to call addresses that are not public, as we do"),
)
_OTHER = (
    Difference(
        topic="unknown",
        effect="nobody tried this kind of node with Hazel: the steps above say what works",
    ),
)


def differences(kind: Kind) -> Sequence[Difference]:
    """Return what is different there."""
    match kind.software:
        case "nuts-node":
            return (*_NUTS_NODE, *(_MASTER if kind.dialect == "master" else _V6_2))
        case "hazel":
            if kind.version == VERSION:
                return ()
            return (
                Difference(topic="version", effect=f"it is {kind.version or 'another version'}, this is {VERSION}"),
            )
        case _:
            return _OTHER
