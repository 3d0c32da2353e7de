"""One HTTP request to a FHIR server on this machine, for loading and for tests; never for the node.

No proxies, no redirects, no retries: what the server answers is what the caller sees.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from examples.region.hapi.install import HapiFailedError

TIMEOUT = 60.0  # seconds
FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP, whatever it is.
        headers: names in lower case.
        body: the JSON object, empty when there was none.
    """

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


def send(
    method: str,
    url: str,
    *,
    resource: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Send one request.

    Args:
        method: of HTTP.
        url: absolute, ``http``; sent as it stands, so the caller escapes what needs it.
        resource: body as FHIR JSON.
        form: body as a form, for ``_search``; not together with ``resource``.
        headers: added to ours.
        timeout: seconds for every wait on the socket.

    Raises:
        HapiFailedError: no answer, or one that is not JSON.
    """
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    sent = {"Accept": FHIR_JSON, **(headers or {})}
    body: bytes | None = None
    if resource is not None:
        body, sent["Content-Type"] = json.dumps(resource).encode(), FHIR_JSON
    elif form is not None:
        body, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        content = response.read()
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=json.loads(content) if content else {},
        )
    except (OSError, HTTPException, ValueError) as error:
        raise HapiFailedError(f"no FHIR answer from {parts.scheme}://{parts.netloc}") from error
    finally:
        connection.close()
