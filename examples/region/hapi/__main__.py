"""``python -m examples.region.hapi [--fhir r4|stu3] [--port N]``: one empty server until Ctrl-C; ``--fetch`` only fetches it."""

import argparse
import signal
import sys
from contextlib import suppress

from examples.region.hapi import CACHE, HapiError, HapiUnavailableError, ensure_hapi, start_hapi

PATIENCE = 300.0  # seconds to start: whoever watches can press Ctrl-C


def main() -> int:
    """Run one server in the foreground."""
    parser = argparse.ArgumentParser(prog="python -m examples.region.hapi", description=__doc__)
    parser.add_argument("--fhir", choices=("r4", "stu3"), default="r4")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--fetch", action="store_true", help="fetch and compile it, start nothing; without Java say so")
    chosen = parser.parse_args()
    if chosen.fetch:
        return _fetch()
    try:
        install = ensure_hapi()
        server = start_hapi(
            install, fhir=chosen.fhir, port=chosen.port, log=CACHE / f"{chosen.fhir}.log", deadline=PATIENCE
        )
    except HapiError as error:
        print(error, file=sys.stderr)
        return 1
    with server, suppress(KeyboardInterrupt):
        signal.pause()
    return 0


def _fetch() -> int:
    """Have it ready for later; where Java or Maven is absent, that is said and is no failure."""
    try:
        ensure_hapi()
    except HapiUnavailableError as error:
        print(error, file=sys.stderr)
    except HapiError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
