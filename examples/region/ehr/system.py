"""What the handlers of one record system share."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from examples.region.ehr.misbehaviour import Misbehaviour
from examples.region.ehr.pages import Results
from examples.region.ehr.records import Records
from examples.region.organisations import FhirVersion, Organisation

# Requests that ``GET /control`` shows.
REMEMBERED = 50


@dataclass(slots=True)
class RecordSystem:
    """Everything the handlers work with.

    Attributes:
        token: the bearer token that requests must carry, None to let everybody in.
        now: the clock, aware UTC.
        recent: method and path with query of the latest FHIR requests, oldest first.
        requests: how many there were.
    """

    organisation: Organisation
    versions: tuple[FhirVersion, ...]
    records: Records
    token: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    results: Results = field(default_factory=Results)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    requests: int = 0


SYSTEM = web.AppKey("SYSTEM", RecordSystem)
