"""``hazel usecase check | diff | schema | sign``: a use case file before it counts. All of it works without a node."""

import argparse
from pathlib import Path
from typing import Any

from node.cli.main import DEFAULT_CONFIG
from node.cli.options import Verbs, add_json_option, add_verb
from node.cli.output import DONE, REFUSED, CommandError, say, show, show_json
from node.cli.usecase_files import check_definitions, in_force, read_usecase
from node.config.load import load_config
from node.config.model import Config, Trust
from node.usecases.load import SHIPPED, LoadedUseCase, UseCaseError


def add_file_verbs(verbs: Verbs) -> None:
    """Describe the verbs that take a file."""
    check = add_verb(verbs, "check", "check a use case file: every mistake with its line and what to do", _check)
    _add_file(check)
    add_json_option(check)
    diff = add_verb(verbs, "diff", "what a file changes here, and where it lets more than the shipped one", _diff)
    _add_file(diff)
    add_json_option(diff)
    add_verb(verbs, "schema", "the JSON Schema of a use case file, for editors", _schema)
    sign = add_verb(verbs, "sign", "sign a use case file: writes FILE.jws beside it", _sign)
    _add_file(sign)
    sign.add_argument("--key", metavar="KEY.pem", type=Path, required=True, help="private key, PEM")


def config_of(arguments: argparse.Namespace) -> Config | None:
    """Return the configuration; ``None`` where none was named and none is here: use case files can be read without a node."""
    if arguments.config == Path(DEFAULT_CONFIG) and not arguments.config.exists():
        return None
    return load_config(arguments.config)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path)


def _check(arguments: argparse.Namespace) -> int:
    config = config_of(arguments)
    try:
        loaded = read_usecase(arguments.file)
        check_definitions(loaded, config.trust if config is not None else Trust())
    except UseCaseError as error:
        return _tell(error, as_json=arguments.json)
    except CommandError as error:
        if arguments.json:
            show_json({"ok": False, "mistakes": [_mistake(None, "", str(error), error.remedy)]})
            return REFUSED
        raise
    if arguments.json:
        show_json({"ok": True, "id": loaded.usecase.id, "version": loaded.usecase.version, "digest": loaded.digest})
    else:
        show(f"{loaded.usecase.id} {loaded.usecase.version} is in order")
        show(loaded.digest)
    _warn_of_shipped(loaded)
    return DONE


def _tell(error: UseCaseError, *, as_json: bool) -> int:
    """Tell every mistake of a file, each with line and remedy."""
    if as_json:
        show_json({"ok": False, "mistakes": [_mistake(e.line, e.path, e.message, e.remedy) for e in error.all]})
        return REFUSED
    for each in error.all:
        say(f"{each}")
        if each.remedy:
            say(f"  {each.remedy}")
    return REFUSED


def _mistake(line: int | None, path: str, message: str, remedy: str | None) -> dict[str, Any]:
    return {"line": line, "path": path, "message": message, "remedy": remedy}


def _warn_of_shipped(loaded: LoadedUseCase) -> None:
    from node.usecases.narrowing import widenings  # only for files that stand in for a shipped one

    shipped = in_force(None, loaded.usecase.id)
    if loaded.usecase.id not in SHIPPED or shipped is None:
        return
    wider = widenings(shipped.usecase, loaded.usecase)
    if wider:
        say(f"note: it lets more than the shipped {loaded.usecase.id}, so it takes its place only if usecases pins it:")
        say(f"  {loaded.usecase.id}@{loaded.digest}; or give it another id")
    for place in wider:
        say(f"  {place}")


def _diff(arguments: argparse.Namespace) -> int:
    from node.usecases.difference import differences  # no other command needs it
    from node.usecases.narrowing import widenings  # likewise

    config = config_of(arguments)
    try:
        loaded = read_usecase(arguments.file)
    except UseCaseError as error:
        return _tell(error, as_json=arguments.json)
    now = in_force(config, loaded.usecase.id)
    changes = differences(None if now is None else now.usecase, loaded.usecase)
    shipped = in_force(None, loaded.usecase.id)
    wider = () if shipped is None else widenings(shipped.usecase, loaded.usecase)
    if arguments.json:
        show_json(
            {
                "id": loaded.usecase.id,
                "against": None if now is None else now.digest,
                "digest": loaded.digest,
                "changes": [
                    {"path": e.path, "change": e.kind, "before": e.before or None, "after": e.after or None}
                    for e in changes
                ],
                "wider_than_shipped": list(wider),
            }
        )
        return DONE
    against = (
        "nothing: this use case is new here" if now is None else f"{now.usecase.id} {now.usecase.version} ({now.file})"
    )
    show(f"{arguments.file} against {against}")
    for each in changes:
        if each.kind == "changed":
            show(f"~ {each.path}: {each.before} -> {each.after}")
        else:
            show(f"{'+' if each.kind == 'added' else '-'} {each.path} {each.after or each.before}".rstrip())
    if not changes:
        show("nothing changes")
    for place in wider:
        show(f"! lets more than the shipped {loaded.usecase.id}: {place}")
    return DONE


def _schema(_arguments: argparse.Namespace) -> int:
    from node.usecases.schema import usecase_schema  # no other command needs it

    show_json(usecase_schema())
    return DONE


def _sign(arguments: argparse.Namespace) -> int:
    from credentials.errors import CredentialError  # no other verb signs
    from credentials.keys import KeyId, SoftwareKey  # likewise
    from node.usecases.signed import sign_usecase  # likewise

    try:
        loaded = read_usecase(arguments.file)
    except UseCaseError as error:
        return _tell(error, as_json=False)
    try:
        key = SoftwareKey.from_pem(arguments.key.read_bytes(), KeyId("usecase-signer"))
    except OSError as error:
        raise CommandError(f"{arguments.key}: {error.strerror}") from error
    except (CredentialError, ValueError) as error:
        raise CommandError(f"{arguments.key}: {error}", "give an unencrypted private key as PEM") from error
    target = arguments.file.with_name(f"{arguments.file.name}.jws")
    try:
        target.write_text(sign_usecase(loaded.usecase.id, loaded.digest, key) + "\n", encoding="ascii")
    except OSError as error:
        raise CommandError(f"{target}: {error.strerror}") from error
    show(f"{target}")
    show(f"who trusts this key writes in trust.anchors.usecase_signers: {key.public.thumbprint()}")
    return DONE
