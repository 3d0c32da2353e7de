"""What can go wrong with the care services directory.

::

    RegistryError
    ├── SearchError     our caller asks for something that does not exist here; says what does
    └── FollowError     a directory elsewhere contradicts itself or its protocol; tried again later
"""

from registry.errors import RegistryError


class SearchError(RegistryError):
    """A search can not be answered as it was asked.

    Attributes:
        remedy: what can be asked.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class FollowError(RegistryError):
    """The answers of a directory elsewhere can not be followed; what was stored before stands."""
