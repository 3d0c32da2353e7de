"""The use cases that this node takes part in, by id and by the name they have on the wire."""

from collections.abc import Mapping, Sequence

from credentials.query.definition import PresentationDefinition
from node.usecases.load import LoadedUseCase
from node.usecases.model import UseCase
from node.usecases.policies import Policy, ScopePolicy


class UseCaseBook:
    """Loaded use cases with the operator's trust anchors filled in.

    Args:
        loaded: as read from their files.
        anchors: name to fingerprints of root certificates (``trust`` in the configuration).
        own: the same by id of a use case, where that one has other anchors.
        policies: further scopes that get tokens here, and nothing else (``policies.py``).

    Raises:
        ValueError: an anchor is missing, or two use cases or policies have the same name on the wire.
        CredentialError: a presentation definition can not be read.
    """

    def __init__(
        self,
        loaded: Sequence[LoadedUseCase],
        anchors: Mapping[str, Sequence[str]],
        own: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        policies: Sequence[Policy] = (),
    ) -> None:
        by_id = own or {}
        self.loaded = tuple(loaded)
        self._by_id = {each.usecase.id: each.usecase for each in loaded}
        self._by_scope = {each.usecase.wire_scope: each.usecase for each in loaded}
        if len(self._by_scope) != len(self.loaded) or len(self._by_id) != len(self.loaded):
            raise ValueError("two use cases have the same id or the same wire scope")
        self.definitions: Mapping[str, Mapping[str, PresentationDefinition]] = {
            each.usecase.wire_scope: {
                owner: PresentationDefinition.parse(definition)
                for owner, definition in each.usecase.fill_trust_anchors(
                    {**anchors, **by_id.get(each.usecase.id, {})}
                ).items()
            }
            for each in loaded
        } | {each.scope: each.definitions for each in policies}
        if len(self.definitions) != len(self.loaded) + len(policies):
            raise ValueError("a policy file names the wire scope of a use case; take one of them out")
        self.scope_policies: Mapping[str, ScopePolicy] = {
            **{each.usecase.wire_scope: each.usecase.scope_policy for each in loaded},
            **{each.scope: each.scope_policy for each in policies},
        }

    @property
    def all(self) -> tuple[UseCase, ...]:
        """Every use case, in the order of their loading."""
        return tuple(self._by_id.values())

    def by_id(self, usecase_id: str) -> UseCase | None:
        """Return the use case called ``usecase_id``."""
        return self._by_id.get(usecase_id)

    def by_scope(self, wire_scope: str) -> UseCase | None:
        """Return the use case that is called ``wire_scope`` on the wire."""
        return self._by_scope.get(wire_scope)
