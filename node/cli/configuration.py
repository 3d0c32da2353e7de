"""``hazel config check | show | docs``: is it in order, what is in effect, what may be set. Works without a running node."""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.cli.api import API_KEY_FILE
from node.cli.config_docs import config_markdown
from node.cli.options import add_json_option, add_verb, add_verbs
from node.cli.output import DONE, REFUSED, CommandError, say, show, show_json
from node.cli.usecase_files import check_usecase
from node.config.load import ConfigError, load_config
from node.config.model import Config, Listener
from node.registries.definitions import DefinitionError, load_definitions
from node.usecases.load import LoadedUseCase

MASK = "***"

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")
_SECRET_PARAMETER = re.compile(r"((?:password|sslpassword|passfile)=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that will not work: where in the configuration, what, and what to do."""

    path: str
    message: str
    remedy: str | None = None


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    add_json_option(add_verb(verbs, "check", "check the configuration and the files it names", _check))
    add_json_option(add_verb(verbs, "show", "print the configuration in effect, secrets masked", _show))
    about = "print everything that may be set (Markdown)"
    verbs.add_parser("docs", help=about, description=about, allow_abbrev=False).set_defaults(run=_docs)


def _check(arguments: argparse.Namespace) -> int:
    try:
        config = load_config(arguments.config)
    except ConfigError as error:
        problems = [Problem(path=error.path, message=error.message, remedy=error.remedy)]
        unsafe: tuple[str, ...] = ()
    else:
        problems = list(find_problems(config, arguments.config))
        unsafe = config.unsafe
    if arguments.json:
        show_json(
            {
                "ok": not problems,
                "problems": [{"path": one.path, "message": one.message, "remedy": one.remedy} for one in problems],
                "unsafe": list(unsafe),
            }
        )
    else:
        for one in problems:
            show(f"{one.path}: {one.message}" if one.path else one.message)
            if one.remedy is not None:
                show(f"    {one.remedy}")
        if not problems:
            show(f"{arguments.config} is in order")
        for name in unsafe:
            say(f"UNSAFE: {name} is on; never where real patients are")
    return REFUSED if problems else DONE


def find_problems(config: Config, file: Path) -> Iterator[Problem]:
    """Yield what is wrong beyond the file's own text: files that are missing, names that nothing answers to.

    Args:
        config: as loaded.
        file: where it was read; the API key stands beside it.
    """
    # (1) files that are named are there
    yield from _missing_files(config, file)
    # (2) use cases are there and can be used
    known: dict[str, LoadedUseCase] = {}
    for name in config.usecases:
        try:
            known[name] = check_usecase(config, name)
        except CommandError as error:
            yield Problem(path="usecases", message=str(error), remedy=error.remedy)
    # (3) discovery services are defined
    try:
        services = load_definitions(config.discovery.definitions)
    except DefinitionError as error:
        yield Problem(path="discovery.definitions", message=str(error), remedy="get the file again from who gave it")
        return
    for path, names in (("discovery.join", config.discovery.join), ("discovery.host", config.discovery.host)):
        for name in names:
            if name not in services:
                yield Problem(
                    path=path,
                    message=f"there is no definition of {name}",
                    remedy=f"put its definition file into {config.discovery.definitions}",
                )
    # (4) a use case that is on needs the service where its participants find each other
    for name, loaded in known.items():
        service = loaded.usecase.discovery_service
        if service not in services:
            yield Problem(
                path="usecases",
                message=f"{name} finds its participants at {service}, which has no definition here",
                remedy=f"put its definition file into {config.discovery.definitions}",
            )


def _missing_files(config: Config, file: Path) -> Iterator[Problem]:
    named: list[tuple[str, Path | None]] = [("vault_key", config.vault_key), ("trust.ca_file", config.trust.ca_file)]
    for path, listener in (("public", config.public), ("internal", config.internal)):
        named += [(f"{path}.{name}", each) for name, each in _files_of(listener)]
    named += [
        (f"fhir.{version}.{name}", getattr(server, name))
        for version, server in config.fhir.items()
        for name in ("authorization_file", "client_certificate")
    ]
    for path, each in named:
        if each is None:
            continue
        try:
            with each.open("rb"):
                pass
        except OSError as error:
            yield Problem(path=path, message=f"{each}: {error.strerror}")
    if not config.data.is_dir():
        yield Problem(path="data", message=f"{config.data} is not a directory", remedy="make a node with: hazel init")
    if not config.unsafe_open_internal_api and not file.with_name(API_KEY_FILE).exists():
        yield Problem(
            path="",
            message=f"there is no {file.with_name(API_KEY_FILE)}",
            remedy="commands that talk to the node need its API key beside the configuration",
        )


def _files_of(listener: Listener) -> tuple[tuple[str, Path | None], ...]:
    return (("tls_certificate", listener.tls_certificate), ("tls_key", listener.tls_key))


def _show(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config)
    effective = masked(config)
    if arguments.json:
        show_json(effective)
    else:
        for line in _yaml(effective, 0):
            show(line)
    for name in config.unsafe:
        say(f"UNSAFE: {name} is on; never where real patients are")
    return DONE


def masked(config: Config) -> dict[str, Any]:
    """Return everything that is in effect, defaults included; of a database address the password is masked.

    Other secrets stand in files, of which only the names appear.
    """
    effective: dict[str, Any] = config.model_dump(mode="json")
    if isinstance(effective["database"], str):
        effective["database"] = _SECRET_PARAMETER.sub(
            rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}@", effective["database"])
        )
    return effective


def _yaml(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Yield the lines of YAML that reads back as the same configuration."""
    indent = "  " * depth
    for name, member in value.items():
        if isinstance(member, Mapping) and member:
            is_set = any(each is not None for each in member.values())
            yield f"{indent}{name}:" if is_set else f"{indent}{name}: {{}}"
            yield from _yaml(member, depth + 1)
        elif member is None:
            yield f"{indent}# {name}: not set"
        else:
            yield f"{indent}{name}: {json.dumps(member, ensure_ascii=False)}"


def _docs(arguments: argparse.Namespace) -> int:  # noqa: ARG001  # every command has the same shape
    for line in config_markdown().splitlines():
        show(line)
    return DONE
