"""``hazel serve``: run the node until it is told to stop."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from node.cli.main import add_config_option
from node.cli.output import DONE, CommandError, say
from node.config.load import load_config
from node.config.model import Config
from node.logs import set_up_logs

SWITCH_SECONDS = 0.001
"""How long another thread may keep the event loop waiting for the interpreter; Python's own 5 ms would be added to every answer while a
JSON-LD credential is verified."""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.set_defaults(run=_run)
    add_config_option(parser)
    parser.add_argument("--workers", type=int, default=1, help="processes that share the listeners; only 1 so far")


def _run(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config)
    if arguments.workers != 1:
        raise CommandError(
            "one process only, so far",
            "on SQLite one writer owns the file; run several nodes on one PostgreSQL behind a balancer instead",
        )
    set_up_logs(config.log_level, config.log_format)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.disable()  # what starting makes stays; looking for garbage in it takes a sixth of the start
    runner = asyncio.Runner(loop_factory=_loop_factory())
    with runner:
        runner.run(_serve(config))
    return DONE


async def _serve(config: Config) -> None:
    with _no_authorities():
        from node.app import (
            NodeError,
            open_node,
        )  # everything is behind it; loaded here so that other commands start fast
        from node.runtime import serve_node

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with open_node(config) as node, serve_node(node) as addresses:
            gc.collect()
            gc.freeze()  # what start-up made lives as long as the process
            gc.enable()
            say(f"{config.organisation.name} is at {config.url} (listening on {addresses.public})")
            say(f"internal API at http://{addresses.internal}")
            for name in config.unsafe:
                say(f"UNSAFE: {name} is on; never where real patients are")
            await stop.wait()
            say("stopping")
    except NodeError as error:
        raise CommandError(str(error), error.remedy) from error


@contextmanager
def _no_authorities() -> Iterator[None]:
    """Let OpenSSL find no authorities for a while.

    aiohttp reads the system's twice when it is imported (100 ms, 2 MiB), for connections that bring no TLS context of their own.
    Ours bring one (``node/web/client.py``); one that did not would now trust nobody.
    """
    nothing = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull} if "aiohttp" not in sys.modules else {}
    before = {name: os.environ.get(name) for name in nothing}
    os.environ.update(nothing)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if find_spec("uvloop") is None:
        return None
    import uvloop  # an extra: a little less CPU where it is installed

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
