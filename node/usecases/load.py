"""From the text of a use case file to a :class:`UseCase`, or one error that says where and what to do; and which files count.

The digest is over the bytes of the file as they stand, trust anchors unfilled, so that two nodes with the same file but
other anchors name the same thing. These files decide what leaves, so they are treated like code:

- shipped ones are pinned here; a change to one is a change to this module, seen in review;
- a local file with the id of a shipped one takes its place if it only narrows it (``narrowing.py``);
- any other is signed by somebody the operator trusts (``signed.py``), or pinned by the operator: ``usecases: [wounds@sha256:…]``.
  A pin also lets a local file widen a shipped one: then it was said otherwise.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from node.config.text_yaml import YamlError, read_text_yaml
from node.usecases.errors import UseCaseError
from node.usecases.model import UseCase

__all__ = [
    "FOLDER", "SHIPPED", "LoadedUseCase", "UseCaseError", "load_chosen", "load_shipped", "parse_usecase", "read_local",
    "usecase_id",
]  # fmt: skip

MAX_FILE_BYTES = 262_144
FOLDER = Path(__file__).parent

SHIPPED = {
    "360": "sha256:d674003f763ba5f202f7e3ebaf269aa946ffb330cf5d5d119df285b19eb2e527",
    "acute": "sha256:8fc3ee6a550b847ecbd1aceb60f712c7e7e45e26ec5678fd9e6e5f98be6e865c",
    "anw": "sha256:06645a1edff9629db67d1eac3efb86aa44ece5448ccfc9e290862309fc892577",
    "bglz": "sha256:957fd08c98eeb806497660fdab720493b166ab64cbf9ca330d1c027aaba3982f",
    "bgz": "sha256:255edfb746933c82b52a9fc3fc87af30f21bbcb65c4bf6be1b990f1969fce557",
    "care-team": "sha256:c8d213748c469a6fa2390e9f15d333f601d8d11cd2930f3f585c6947c4ac1c6f",
    "ggz": "sha256:afb2ba8198c57012467d860c2507a20bdaa3d0cf41e0dc997e1cd209152afafe",
    "ha-vvt": "sha256:ba73a00ac67f502303f22470f675991a0f18b7ccd7bf50ce915834db67eed962",
    "lab": "sha256:e189151e246f0a6d74a539d0a572157632ef6dbe31d87ed9a3bf38e2db003f74",
    "medication": "sha256:41e8a35da46b4b3ad89206631933fdb4b2df16d52fdbd4a6ea6c7ac9151bfdc2",
    "patient-access": "sha256:3ad5ada9f951d6e5386f03db688889d614191e503b9a684e5d1e46a9ba4e9f7f",
    "pzp": "sha256:8b62cc8b4da4b8b23ce6621df887971e605dcb5ce979b310f712bcb0e25c27ef",
    "zorginzage": "sha256:8b3bc94845ea833dc666a5c18a2b96ae9e13d0722cc4395a06e5e8f54000b326",
}
"""Shipped use cases and the digest of their file."""

_LINE = re.compile(r"line ([0-9]+), column [0-9]+: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedUseCase:
    """A use case with the file it came from.

    Attributes:
        digest: ``sha256:`` and 64 hexadecimal digits over the file's bytes.
    """

    usecase: UseCase
    digest: str
    file: str


def load_shipped() -> tuple[LoadedUseCase, ...]:
    """Read the use cases that come with the package, in the order of their ids.

    Raises:
        UseCaseError: a file is not the one that was shipped.
    """
    return tuple(_shipped(each) for each in sorted(SHIPPED))


def _shipped(usecase: str) -> LoadedUseCase:
    name = f"{usecase}.yaml"
    found = parse_usecase((FOLDER / name).read_bytes(), name)
    if found.digest != SHIPPED[usecase]:
        raise UseCaseError(name, "", "is not the file that was shipped", "reinstall hazel-node")
    return found


def parse_usecase(body: bytes, file: str) -> LoadedUseCase:
    """Read a use case file. Total: any bytes give a value or a :class:`UseCaseError`, which holds every mistake.

    Args:
        body: the file as it stands.
        file: its name, for errors.
    """
    if len(body) > MAX_FILE_BYTES:
        raise UseCaseError(file, "", f"is larger than {MAX_FILE_BYTES} bytes", "one file holds one use case")
    try:
        text = body.decode()
        value = read_text_yaml(text)
    except (YamlError, UnicodeDecodeError, ValueError) as error:
        raise _unreadable(file, error) from error
    if not isinstance(value, dict):
        raise UseCaseError(file, "", "must be a mapping", "begin with id: …", line=1)
    try:
        usecase = UseCase.model_validate(value)
    except ValidationError as error:
        from node.usecases.complaints import complain  # a node whose files are in order needs no words for it

        raise complain(file, text, error) from error
    return LoadedUseCase(usecase=usecase, digest=f"sha256:{hashlib.sha256(body).hexdigest()}", file=file)


def _unreadable(file: str, error: Exception) -> UseCaseError:
    if not isinstance(error, YamlError):
        return UseCaseError(file, "", "is not YAML in UTF-8", "save it as UTF-8")
    message = str(error)
    place = _LINE.match(message)
    line = int(place.group(1)) if place is not None else None
    remedy = "plain YAML: text, lists and mappings; no aliases, no tags, no member twice"
    return UseCaseError(file, "", message if place is None else message[place.end() :], remedy, line=line)


def usecase_id(chosen: str) -> str:
    """Return the id of an entry of ``usecases`` in the configuration, which may be pinned: ``wounds@sha256:…``."""
    return chosen.partition("@")[0]


def load_chosen(
    chosen: Sequence[str], directory: Path | None, signers: Collection[str] = ()
) -> tuple[LoadedUseCase, ...]:
    """Read the use cases that a node takes part in, shipped ones or files of its own, in the order given.

    Args:
        chosen: ids, each with the digest of its file behind an ``@`` where the operator pins it.
        directory: with files of the operator's own, called ``<id>.yaml``.
        signers: thumbprints of the keys that the operator trusts to sign such files.

    Raises:
        UseCaseError: one is not there, or can not be used.
    """
    return tuple(_chosen(each, directory, signers) for each in dict.fromkeys(chosen))


def _chosen(entry: str, directory: Path | None, signers: Collection[str]) -> LoadedUseCase:
    wanted, _, pin = entry.partition("@")
    local = _local_file(wanted, directory)
    if local is None:
        if wanted in SHIPPED and pin in ("", SHIPPED[wanted]):
            return _shipped(wanted)
        where = f"put {wanted}.yaml in usecase_directory" if directory else "or set usecase_directory"
        raise UseCaseError(
            f"{wanted}.yaml", "", "there is no such use case", f"shipped: {', '.join(sorted(SHIPPED))}; {where}"
        )
    found = read_local(local)
    if pin:
        if found.digest != pin:
            raise UseCaseError(
                found.file,
                "",
                "is not the file that usecases pins",
                f"look at it again, then write {wanted}@{found.digest}",
            )
        return found
    signature = local.with_name(f"{local.name}.jws")
    if signature.is_file():
        from node.usecases.signed import check_signature  # few nodes have signed files

        compact = signature.read_bytes()[:16_384].decode(errors="replace")
        check_signature(found.file, wanted, found.digest, compact, signers)
        return found
    if wanted in SHIPPED:
        return _narrowed(wanted, found)
    raise UseCaseError(
        found.file,
        "",
        "is neither shipped, nor signed by somebody trusted, nor pinned",
        f"look at what it lets through (hazel usecase diff), then write in usecases: {wanted}@{found.digest}",
    )


def _narrowed(wanted: str, found: LoadedUseCase) -> LoadedUseCase:
    from node.usecases.narrowing import widenings  # few nodes have such files

    wider = widenings(_shipped(wanted).usecase, found.usecase)
    if wider:
        first, *others = wider
        raise UseCaseError(
            found.file,
            "",
            f"lets more than the shipped {wanted}: {first}" + (f" (and {len(others)} more)" if others else ""),
            f"narrow it (hazel usecase diff shows it all), give it another id, or pin it: {wanted}@{found.digest}",
        )
    return found


def _local_file(wanted: str, directory: Path | None) -> Path | None:
    if directory is None or "/" in wanted:
        return None
    file = directory / f"{wanted}.yaml"
    return file if file.is_file() else None


def read_local(file: Path) -> LoadedUseCase:
    """Read a file of the operator's own, whether or not it may be used.

    Raises:
        UseCaseError: it can not be read, or has another name than its id.
    """
    found = parse_usecase(file.read_bytes(), str(file))
    if found.usecase.id != file.stem:
        raise UseCaseError(str(file), "id", f"is {found.usecase.id}", f"call the file {found.usecase.id}.yaml")
    return found
