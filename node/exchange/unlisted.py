"""What nobody may ask here, and why: the codes of refused requests, and the kinds that no use case can list.

Deny by default is the allow-list's work (``allowlist.py``); this names what was denied, for the record and for our operator.
"""

from collections.abc import Mapping


class NotAllowedError(Exception):
    """A request that nobody may make here.

    Attributes:
        code: stable reason, for our operator; a peer learns only that it was refused.
        message: a sentence without the peer's text: that may hold a BSN or clinical words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


UNLISTABLE: Mapping[str, tuple[str, str]] = {
    "operation": ("operation_not_allowed", "this operation is not in the query table"),
    "history": ("history_not_allowed", "older versions are not given"),
    "vread": ("history_not_allowed", "older versions are not given"),
    "compartment": ("compartment_not_allowed", "a compartment is not searched as a whole"),
    "system_search": ("system_search_not_allowed", "a search names its resource type"),
    "batch": ("batch_not_allowed", "batches and transactions are not taken apart here"),
    "create": ("write_not_allowed", "this is not written here"),
    "update": ("write_not_allowed", "this is not written here"),
    "patch": ("write_not_allowed", "this is not written here"),
    "delete": ("write_not_allowed", "nothing is deleted here"),
    "head": ("method_not_allowed", "HEAD answers questions too"),
    "options": ("method_not_allowed", "OPTIONS is not needed: /metadata says what there is"),
}
"""Per kind of request: code and sentence where the query table doesn't list it."""
