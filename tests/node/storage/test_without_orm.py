"""A running node has no ORM in memory, and nobody who wants one notices."""

import subprocess
import sys

SAYS = """
import sys
import node.storage.database
print(sorted(name for name in sys.modules if name.startswith("sqlalchemy.orm")))
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine, result
import sqlalchemy.ext.asyncio
print(AsyncConnection is node.storage.database.AsyncConnection, AsyncSession.__module__, result.__name__)
print(hasattr(sqlalchemy.ext.asyncio, "nothing_of_this_name"), sqlalchemy.ext.asyncio.__file__.endswith("__init__.py"))
"""

WHOLE_FIRST = """
import sqlalchemy.ext.asyncio as whole
import node.storage.database
import sqlalchemy.ext.asyncio
print(sqlalchemy.ext.asyncio is whole, whole.AsyncConnection is node.storage.database.AsyncConnection)
"""


def said(program: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    ).stdout.splitlines()


def test_the_orm_is_not_loaded_until_somebody_asks_for_a_session() -> None:
    assert said(SAYS) == [
        "[]",
        "True sqlalchemy.ext.asyncio.session sqlalchemy.ext.asyncio.result",
        "False True",
    ]


def test_a_package_that_was_loaded_as_a_whole_stays() -> None:
    assert said(WHOLE_FIRST) == ["True True"]
