"""The operator's own credential types: schema files ``<Type>.json`` in the directory that ``credential_types`` names."""

import re
from pathlib import Path

from credentials.errors import MalformedError
from credentials.types.catalogue import CredentialTypes
from credentials.types.schema import MAX_SCHEMA_BYTES

MAX_FILES = 200

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}", re.ASCII)


class TypeFileError(Exception):
    """A schema file can not be used.

    Attributes:
        remedy: what to do.
    """

    def __init__(self, file: Path, message: str) -> None:
        super().__init__(f"{file}: {message}")
        self.remedy = "mend or remove that file; the shipped schemas in credentials/types show the form"


def load_types(directory: Path | None) -> CredentialTypes:
    """Read the schemas of a directory; without one, only the shipped types have schemas.

    Raises:
        TypeFileError: the directory or a file in it can not be used.
    """
    if directory is None:
        return CredentialTypes()
    try:
        files = sorted(file for file in directory.iterdir() if file.suffix == ".json")
    except OSError as error:
        raise TypeFileError(directory, f"can not be read: {error.strerror}") from error
    if len(files) > MAX_FILES:
        raise TypeFileError(directory, f"holds more than {MAX_FILES} files")
    return CredentialTypes({file.stem: _read(file) for file in files})


def _read(file: Path) -> bytes:
    if _TYPE.fullmatch(file.stem) is None:
        raise TypeFileError(file, "the name of the file is not the name of a type")
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_SCHEMA_BYTES + 1)
        CredentialTypes({file.stem: body})
    except OSError as error:
        raise TypeFileError(file, f"can not be read: {error.strerror}") from error
    except MalformedError as error:
        raise TypeFileError(file, str(error)) from error
    return body
