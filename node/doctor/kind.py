"""What kind of node the other side is, from what it publishes. Pure.

A nuts-node says its name in its client metadata, but in a build of one's own not its version; its two dialects differ in one thing that
shows before any message is exchanged: its master verifies RS256, v6.2 does not (WIRE §0).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from credentials.errors import MalformedError
from credentials.fields import Fields

Software = Literal["hazel", "nuts-node", "other"]
Dialect = Literal["6.2", "master", ""]

MASTER_ALGORITHM: Final = "RS256"

_NAMES: dict[str, Software] = {"hazel": "hazel", "nuts-node-refimpl": "nuts-node"}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of node.

    Attributes:
        version: as it says; empty when it says nothing that looks like one.
        dialect: of a nuts-node.
    """

    software: Software
    version: str = ""
    dialect: Dialect = ""

    @property
    def sentence(self) -> str:
        """The same for people."""
        match self.software:
            case "hazel":
                return f"Hazel {self.version}".strip()
            case "nuts-node":
                dialect = "its unreleased master" if self.dialect == "master" else "v6.2"
                said = self.version if self.version not in ("", "unknown") else "of a version that it does not say"
                return f"nuts-node {said}, which speaks as {dialect} does"
            case _:
                return "neither Hazel nor nuts-node, as far as it says"


def kind_of(client_metadata: bytes | None, algorithms: Collection[str]) -> Kind:
    """Tell what kind of node publishes this.

    Args:
        client_metadata: the body at ``/oauth-client``; ``None`` when there is none.
        algorithms: with which its server lets a proof be signed.
    """
    if client_metadata is None:
        return Kind(software="other")
    try:
        fields = Fields.from_json(client_metadata, max_bytes=65_536, what="client metadata")
        software = _NAMES.get(fields.optional_text("software_id") or "", "other")
        version = fields.optional_text("software_version") or ""
    except MalformedError:
        return Kind(software="other")
    version = version if _VERSION.fullmatch(version) else ""
    dialect: Dialect = "" if software != "nuts-node" else "master" if MASTER_ALGORITHM in algorithms else "6.2"
    return Kind(software=software, version=version, dialect=dialect)
