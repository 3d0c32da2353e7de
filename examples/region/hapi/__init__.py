"""A FHIR server that nobody here wrote, in front of which the node must hold: HAPI FHIR, embedded, on loopback.

    >>> install = ensure_hapi(CACHE, print)
    >>> with start_hapi(install, fhir="r4", log=Path("hapi.log")) as hapi:
    ...     load(hapi.base_url, records("gouwe", "r4"))

``install`` fetches and compiles it once, ``hapi`` runs it, ``loading`` puts resources in, ``client`` is the little HTTP
they and the tests need. ``HapiServer.java`` is the server, ``pom.xml`` what it is made of. README.md has the numbers.

Rules kept here: no network but Maven's, and only while installing; a server never outlives its starter; nothing is kept
on disk but the cache and the log that the caller names. The server has no access control: never bind it elsewhere.
"""

from examples.region.hapi.hapi import RunningHapi, start_hapi
from examples.region.hapi.install import (
    CACHE,
    HapiError,
    HapiFailedError,
    HapiInstall,
    HapiUnavailableError,
    ensure_hapi,
)
from examples.region.hapi.loading import load

__all__ = [
    "CACHE",
    "HapiError",
    "HapiFailedError",
    "HapiInstall",
    "HapiUnavailableError",
    "RunningHapi",
    "ensure_hapi",
    "load",
    "start_hapi",
]
