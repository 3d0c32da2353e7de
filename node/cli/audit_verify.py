"""``hazel audit verify``: was the log touched? Of the running node, of a database file, or of an export on another machine.

Signatures are checked with the organisation's keys: the node's own, or DID documents given with ``--keys``. Without keys the
signed heads are only compared with the log, and that is said.
"""

import argparse
import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from credentials.did.document import DIDDocument
from credentials.did.identifier import parse_did
from credentials.errors import CredentialError
from credentials.fields import Fields
from credentials.keys import KeyId, PublicKey
from node.cli.api import NodeApi, NotRunningError, with_node
from node.cli.output import (
    DONE,
    NOTHING,
    REFUSED,
    USAGE,
    CommandError,
    members,
    pick,
    say,
    show,
    show_json,
    show_table,
    word,
)
from node.config.load import load_config
from node.config.model import Config

AUDIT_FILE = "audit.db"
DATABASE_FILE = "hazel.db"


def add_verify_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "without --database or --export the running node is asked; when it does not run, the file in its data directory is "
        "read. Exit code 1 when something was found."
    )
    parser.add_argument("--database", metavar="FILE", type=Path, help="an audit.db; the node need not run")
    parser.add_argument("--export", metavar="FILE", type=Path, help="a file that hazel audit export wrote")
    parser.add_argument(
        "--keys", metavar="FILE", type=Path, action="append", default=[],
        help="the organisation's DID document (did.json), to check signatures with; repeatable",
    )  # fmt: skip


def run_verify(arguments: argparse.Namespace) -> int:
    """Verify, and tell what was found."""
    if arguments.database is not None and arguments.export is not None:
        raise CommandError("give either --database or --export", code=USAGE)
    if arguments.database is not None:
        report = _of_database(arguments.database, _read_keys(arguments.keys))
    elif arguments.export is not None:
        report = _of_export(arguments.export, _read_keys(arguments.keys))
    else:
        report = _of_node(arguments)
    if arguments.json:
        show_json(report)
    else:
        _show(report)
    return DONE if pick(report, "whole") is True else REFUSED


def _of_node(arguments: argparse.Namespace) -> Any:
    found: list[Any] = []

    async def work(api: NodeApi) -> int:
        path = f"/internal/audit/v1/{api.subject(arguments.subject)}/verify"
        found.append((await api.post(path)).value)
        return DONE

    try:
        with_node(arguments.config, work)
    except NotRunningError as error:
        config = load_config(arguments.config)
        file = config.data / AUDIT_FILE
        if not file.exists():
            raise
        say(f"{error}; reading {file}")
        keys = _read_keys(arguments.keys) or asyncio.run(_own_keys(config))
        return _of_database(file, keys)
    return found[0]


def _of_database(file: Path, keys: dict[KeyId, PublicKey]) -> dict[str, object]:
    from node.audit.schema_sqlite import SchemaError  # loads the database drivers, which the other commands do without
    from node.audit.verify import verify_database

    try:
        return verify_database(file, keys or None).to_json()
    except (OSError, sqlite3.Error, SchemaError) as error:
        raise CommandError(f"{file} can not be read as an audit log", "name the audit.db of a node") from error


def _of_export(file: Path, keys: dict[KeyId, PublicKey]) -> dict[str, object]:
    from node.audit.export import verify_export  # as above

    try:
        return verify_export(file, keys or None).to_json()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error


def _read_keys(files: Sequence[Path]) -> dict[KeyId, PublicKey]:
    """Read the keys of DID documents; whose documents these are is for the auditor to know."""
    keys: dict[KeyId, PublicKey] = {}
    for file in files:
        try:
            body = file.read_bytes()
            did = parse_did(Fields.from_json(body, what="DID document").text("id"))
            keys |= DIDDocument.parse(body, did).assertion_keys
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except CredentialError as error:
            raise CommandError(f"{file}: {error}", "give the organisation's did.json") from error
    return keys


async def _own_keys(config: Config) -> dict[KeyId, PublicKey]:
    """Read our own public keys from the node's database; none when that can not be, which the report says."""
    from sqlalchemy.exc import SQLAlchemyError  # as above

    from node.identity.errors import UnknownSubjectError
    from node.identity.subjects import Subjects
    from node.keys.choosing import open_vault
    from node.keys.errors import VaultError
    from node.storage.database import open_database
    from node.world import SystemClock, SystemEntropy

    keys: dict[KeyId, PublicKey] = {}
    if config.database is None and not (config.data / DATABASE_FILE).exists():
        return keys  # opening would make one
    clock, entropy = SystemClock(), SystemEntropy()
    try:
        vault = open_vault(config, entropy)
        async with open_database(config.database_url) as database:
            subjects = Subjects(database, vault, clock, entropy, config.url)
            for subject in await subjects.all():
                for did in subject.dids:
                    keys |= await subjects.keys_ever(did)
    except (OSError, VaultError, SQLAlchemyError, UnknownSubjectError) as error:
        say(f"the keys in the database can not be read ({type(error).__name__}): signatures are not checked")
    return keys


def _show(report: Any) -> None:
    lanes = members(report, "lanes")
    if lanes:
        show_table(
            ("LANE", "FIRST", "LAST", "ROWS", "SIGNED UP TO"),
            [[word(lane, name) for name in ("lane", "first", "last", "rows", "signed_upto")] for lane in lanes],
        )
    for finding in members(report, "findings"):
        place = " ".join(each for each in (word(finding, "lane"), word(finding, "seq")) if each != NOTHING)
        show(f"{place}: {word(finding, 'code')}: {word(finding, 'message')}")
    if pick(report, "whole") is True:
        show("whole: every record is as it was written")
    else:
        show(f"TOUCHED or broken: {word(report, 'found')} findings")
    if pick(report, "signatures_checked") is not True:
        show("signatures were NOT checked: give the organisation's did.json with --keys")
