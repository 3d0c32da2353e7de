"""What can be wrong with the vault, with what to do about it."""


class VaultError(Exception):
    """The vault can not be used; the message says which file or device.

    Attributes:
        remedy: what to do, where we know.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


class VaultAwayError(VaultError):
    """The vault does not answer now and may again later: nothing can be signed until then."""
