"""Which services this node hosts: those that the configuration names, and those whose log it took over from a host that was lost."""

from collections.abc import Iterable, Iterator, Mapping

from registry.service import ServiceDefinition


class HostedServices(Mapping[str, ServiceDefinition]):
    """The definitions of hosted services, as they are now.

    Args:
        services: all definitions, which may change.
        names: of the hosted ones.
    """

    def __init__(self, services: Mapping[str, ServiceDefinition], names: Iterable[str]) -> None:
        self._services = services
        self._names = set(names)

    def add(self, name: str) -> None:
        """Host one more from now on."""
        self._names.add(name)

    def __getitem__(self, name: str) -> ServiceDefinition:
        if name not in self._names:
            raise KeyError(name)
        return self._services[name]

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in sorted(self._names) if name in self._services])

    def __len__(self) -> int:
        return sum(1 for _ in self)
