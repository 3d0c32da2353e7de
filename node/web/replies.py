"""What a request can be answered with when it is not answered: one error type, one shape of reply.

``code`` is stable and meant for programs, ``message`` is a sentence for people, ``remedy`` says what to do next. All three
may be read by the caller, so none of them quotes what the caller sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class RequestError(Exception):
    """The request is refused as it stands.

    Attributes:
        status: HTTP status, 4xx or 5xx.
        code: stable, snake_case.
        message: a sentence, safe for the caller.
        remedy: what to do next, where we know.
        headers: for example ``Retry-After``.
        title: of the problem document; by default the status in words.
    """

    title: str | None = None

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        remedy: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.remedy = remedy
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """An error as it goes over the wire."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
