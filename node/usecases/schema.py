"""The JSON Schema of a use case file, for editors that complete and check while one types; ``hazel usecase schema`` prints it.

It says what stands where; what has to hang together (a step needs what an earlier one binds) only ``hazel usecase check`` says.
"""

from typing import Any

from node.usecases.model import UseCase

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


def usecase_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12)."""
    return {"$schema": SCHEMA_ID, **UseCase.model_json_schema(by_alias=True)}
