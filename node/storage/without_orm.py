"""SQLAlchemy's package for asyncio, without the ORM that it loads along: 6 MiB and a tenth of a second that a node never uses.

``sqlalchemy.ext.asyncio`` imports its engine, which we use, and its sessions, which need ``sqlalchemy.orm``. Here the package stands
in ``sys.modules`` without its ``__init__`` having run; whoever asks it for a name gets it from the part that has it, sessions too.
``database.py`` calls this before its own imports, and is where the rest of the node imports SQLAlchemy's asyncio names from.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType

PACKAGE = "sqlalchemy.ext.asyncio"
_PARTS = ("engine", "result", "scoping", "session")  # in the order in which they are asked; the last two load the ORM


class _Package(ModuleType):
    """The package, its names found when they are asked for."""

    def __getattr__(self, name: str) -> object:
        if not name.startswith("_") and find_spec(f"{PACKAGE}.{name}") is None:  # a part is imported by whoever asked
            for part in _PARTS:
                found = getattr(import_module(f"{PACKAGE}.{part}"), name, None)
                if found is not None:
                    setattr(self, name, found)
                    return found
        raise AttributeError(f"module {PACKAGE} has no attribute {name}")


def leave_out_orm() -> None:
    """Put the package in place, unless it has been loaded as a whole already."""
    if PACKAGE in sys.modules:
        return
    spec = find_spec(PACKAGE)
    if spec is None:
        return  # the import that follows says so
    package = module_from_spec(spec)
    package.__class__ = _Package
    sys.modules[PACKAGE] = package
    setattr(import_module("sqlalchemy.ext"), "asyncio", package)  # noqa: B010  # as importing a package does
