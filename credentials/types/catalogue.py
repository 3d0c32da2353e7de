"""Every type with a schema: the shipped ones and the operator's. A type without one asks nothing."""

from collections.abc import Mapping
from typing import Any

from credentials.errors import MalformedError
from credentials.types.schema import TypeSchema
from credentials.types.shipped import SHIPPED, shipped_schema
from credentials.vc.credential import SignedCredential


class CredentialTypes:
    """Schemas by type.

    Args:
        own: the operator's schema files by type, as they stand.

    Raises:
        MalformedError: one is not a schema, or of a type that is shipped: what a shared type means is not for one node to say.
    """

    def __init__(self, own: Mapping[str, bytes] | None = None) -> None:
        self._own: dict[str, TypeSchema] = {}
        for type_, body in (own or {}).items():
            if type_ in SHIPPED:
                raise MalformedError(f"{type_} is a type that comes along and can not be replaced")
            self._own[type_] = TypeSchema.parse(body, type_)

    @property
    def names(self) -> tuple[str, ...]:
        """Types that have a schema, in alphabetical order."""
        return tuple(sorted((*SHIPPED, *self._own)))

    def check(self, credential: SignedCredential) -> None:
        """Check a credential against the schemas of its types, once for each of its subjects.

        Raises:
            MalformedError: it does not fit; names members that a schema names, never a value.
        """
        for type_ in credential.types:
            schema = self._schema(type_)
            if schema is None:
                continue
            for subject in credential.subjects:
                schema.check(_document(credential, subject))

    def _schema(self, type_: str) -> TypeSchema | None:
        own = self._own.get(type_)
        return shipped_schema(type_) if own is None and type_ in SHIPPED else own


def _document(credential: SignedCredential, subject: Mapping[str, Any]) -> dict[str, Any]:
    """The credential as JSON-LD writes it, about one subject."""
    return {
        **credential.evaluation_view(),
        "type": list(credential.types),
        "issuer": credential.issuer,
        "credentialSubject": dict(subject),
    }
