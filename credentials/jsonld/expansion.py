"""Expansion: the terms of a document become IRIs (JSON-LD 1.1 API §5), by PyLD.

The only module that imports PyLD, and itself imported only when there is a document to expand.

PyLD works out the meaning of a context anew at each place where it is used, which is most of its time. All our contexts are
embedded, so the same few are worked out for ever: `_Expander` remembers them by identity. That takes two of its private
methods, which is why its version is pinned to the minor.
"""

from collections.abc import Mapping
from typing import Any, Final

from pyld.jsonld import JsonLdError, JsonLdProcessor, freeze

from credentials.errors import MalformedError
from credentials.jsonld.contexts import EMBEDDED, embedded

MAX_REMEMBERED: Final = 512
"""Most worked-out contexts kept. Documents of this network need about 60; who permutes contexts only makes us start over."""


def expand(document: dict[str, Any]) -> list[Any]:
    """Expand a document of the shape that `credentials.jsonld.shape.checked` returns; it may be changed.

    Raises:
        MalformedError: a term is not defined by the document's contexts, or the document is not JSON-LD.
    """
    try:
        expanded = _EXPANDER.expanded(document)
    except JsonLdError as error:
        raise MalformedError("not a JSON-LD document that its contexts allow") from error
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        # PyLD is not total: some values of the wrong kind end in errors of Python.
        raise MalformedError("not a JSON-LD document") from error
    return expanded if isinstance(expanded, list) else [] if expanded is None else [expanded]


class _Resolved:
    """One context, with none of PyLD's own memory: it is bound to a processor and not safe between threads."""

    __slots__ = ("document",)

    def __init__(self, document: object) -> None:
        self.document = document

    def get_processed(self, _active: object) -> None:
        return None

    def set_processed(self, _active: object, _processed: object) -> None:
        return


class _Embedded:
    """Stands where PyLD would fetch contexts."""

    def resolve(self, _active: object, context: object, _base: object, _cycles: object = None) -> list[_Resolved]:
        listed = context if isinstance(context, list) else [context]
        return [_Resolved(embedded(each)["@context"] if isinstance(each, str) else each) for each in listed]


def _no_documents(*_: object) -> Any:
    raise MalformedError("JSON-LD: nothing is fetched")


def _undefined(name: str | None) -> None:
    shown = f"'{name}'" if name is not None and len(name) <= _SHOWN and name.isprintable() else "a member"
    raise MalformedError(f"JSON-LD: {shown} is not defined by the contexts of the document")


_SHOWN: Final = 64
_FINISHED: Final = type(freeze({}))
"""What PyLD makes of a context it is done with."""
_OPTIONS: Final[Mapping[str, Any]] = {
    "base": None,  # relative IRIs stay relative, and are then refused or left out
    "contextResolver": _Embedded(),
    "documentLoader": _no_documents,
    "extractAllScripts": False,
    "isFrame": False,
    "keepFreeFloatingNodes": False,
    "processingMode": "json-ld-1.1",
}


class _Expander(JsonLdProcessor):  # type: ignore[misc]  # PyLD has no type information
    """PyLD's processor, remembering what contexts mean.

    A worked-out context follows from the one it adds to, the contexts added, and three flags. Both inputs are either
    embedded or results of this memory, so their identity is their value; entries hold on to them, so no identity is
    used twice.
    """

    def __init__(self) -> None:
        super().__init__(_undefined)
        self._remembered: dict[tuple[object, ...], tuple[object, object, object]] = {}

    def expanded(self, document: dict[str, Any]) -> Any:
        return self._expand(self._get_initial_context(_OPTIONS), None, document, _OPTIONS)

    def _process_context(
        self,
        active_ctx: Any,
        local_ctx: Any,
        options: Any,
        override_protected: bool = False,  # noqa: FBT001, FBT002  # PyLD's signature
        propagate: bool = True,  # noqa: FBT001, FBT002  # the same
        validate_scoped: bool = True,  # noqa: FBT001, FBT002  # the same
        cycles: Any = None,
    ) -> Any:
        # While PyLD checks a context it passes unfinished ones, as plain dictionaries; they are not remembered.
        if not isinstance(active_ctx, _FINISHED):
            return super()._process_context(
                active_ctx, local_ctx, options, override_protected, propagate, validate_scoped, cycles
            )
        key = (id(active_ctx), _identity(local_ctx), override_protected, propagate, validate_scoped)
        found = self._remembered.get(key)
        if found is None:
            result = super()._process_context(
                active_ctx, local_ctx, options, override_protected, propagate, validate_scoped, cycles
            )
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = (active_ctx, local_ctx, result)
        return found[2]


def _identity(local: object) -> object:
    """What tells contexts apart: the URLs of a document's own, the object of one inside an embedded file."""
    if isinstance(local, list):
        return tuple(_identity(each) for each in local)
    return local if isinstance(local, str) else id(local)


_EXPANDER: Final = _Expander()

assert all(embedded(url) for url in EMBEDDED)  # each file is the one that was released
