"""Which authorization server is meant, and what is known of it from discovery services. Pure over the directory."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from node.oauth.errors import origin_of
from registry.directory import Directory, Organisation

_URA = re.compile(r"[0-9]{8}", re.ASCII)

MAX_PEER = 2_048
"""Characters of what names a peer."""


class WhomError(Exception):
    """It can not be told whom is meant.

    Attributes:
        remedy: how to say it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """Who is examined.

    Attributes:
        issuer: URL of its authorization server.
        registered: its registrations in services that we follow, one per service; empty when it has none.
        others: issuers that could have been meant too.
    """

    issuer: str
    registered: Sequence[tuple[str, Organisation]]
    others: Sequence[str] = ()


def find(text: str, directory: Directory, services: Iterable[str]) -> Whom:
    """Find whom ``text`` means: an issuer, the address of a node, or a URA number.

    Raises:
        WhomError: nobody that we know, or no address.
    """
    everybody = [(service, one) for service in services for one in directory.organisations(service)]
    if _URA.fullmatch(text):
        mine = [(service, one) for service, one in everybody if one.ura.zfill(8) == text]
        issuers = list(dict.fromkeys(one.authorization_server for _, one in mine if one.authorization_server))
        if not issuers:
            raise WhomError(
                "no organisation with this number is registered in a service that this node follows",
                "hazel directory search lists them; or give the address of its node",
            )
        return _whom(issuers, everybody)
    origin = origin_of(text)
    if not text.startswith("https://") or not origin or len(text) > MAX_PEER or not text.isprintable():
        raise WhomError(
            "this is no https address and no URA number", "for example: hazel doctor https://node.example/oauth2/name"
        )
    if urlsplit(text).path.strip("/"):
        return _whom([text], everybody)
    issuers = sorted(
        {
            one.authorization_server
            for _, one in everybody
            if one.authorization_server is not None and origin_of(one.authorization_server) == origin
        }
    )
    if not issuers:
        raise WhomError(
            "nobody who registered has an authorization server at this address, so it is not known which organisation is meant",
            "give its issuer: https://HOST/oauth2/NAME",
        )
    return _whom(issuers, everybody)


def _whom(issuers: Sequence[str], everybody: Sequence[tuple[str, Organisation]]) -> Whom:
    issuer, *others = issuers
    registered = [(service, one) for service, one in everybody if one.authorization_server == issuer]
    return Whom(issuer=issuer, registered=registered, others=others)
