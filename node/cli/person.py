"""On whose behalf a command asks: ``--user``, ``--role`` and ``--name``, or ``cli_user`` of the configuration."""

import argparse

from node.cli.output import CommandError
from node.config.model import Config


def add_person_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--user", metavar="ID", help="who asks, by identifier (default: cli_user of the configuration)")
    parser.add_argument("--role", metavar="CODE", help="that person's UZI role code, for example 01.015")
    parser.add_argument("--name", help="that person's name (default with --user: the identifier)")


def asking_person(arguments: argparse.Namespace, config: Config) -> dict[str, str] | None:
    """Return who asks; ``None`` when nobody is named anywhere.

    A person who is named replaces ``cli_user`` as a whole: one person's name never goes with another's identifier.

    Raises:
        CommandError: somebody is named in part.
    """
    if arguments.user is not None:
        if arguments.role is None:
            raise CommandError("--user needs --role", "for example: --user U-1001 --role 01.015", code=2)
        return {"identifier": arguments.user, "name": arguments.name or arguments.user, "role": arguments.role}
    if config.cli_user is None:
        if arguments.role is not None or arguments.name is not None:
            raise CommandError("--role and --name go with --user", code=2)
        return None
    known = config.cli_user
    return {
        "identifier": known.identifier,
        "name": arguments.name or known.name,
        "role": arguments.role or known.role,
    }
