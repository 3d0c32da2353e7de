"""What each setting means, as it is written under it in the source of its section.

Read when somebody asks (`hazel init`, `hazel config docs`), not when a node starts: pydantic would read the source of every section at
import, which takes a tenth of the time that a node may need to be ready.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.config.model import Section


@cache
def descriptions(section: "type[Section]") -> Mapping[str, str]:
    """Return the text under each setting of ``section``, by name, those of the sections it is derived from included."""
    found: dict[str, str] = {}
    for part in reversed(section.__mro__):
        if part.__module__ == section.__module__:
            found |= _under_settings(textwrap.dedent(inspect.getsource(part)))
    return found


def _under_settings(source: str) -> Mapping[str, str]:
    """Return the texts that stand directly under an annotated name of the one class in ``source``."""
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)  # it is the source of a class
    found: dict[str, str] = {}
    for above, below in zip(definition.body, definition.body[1:], strict=False):
        match above, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
            case _:
                pass
    return found
