"""What is wrong with a use case file: where, what, and what to do."""


class UseCaseError(Exception):
    """A use case file can not be used.

    Attributes:
        file: its name.
        path: dotted path of the member, empty for the file as a whole.
        message: what is wrong.
        remedy: what to do, where that can be said.
        line: in the file, counted from 1; ``None`` for the file as a whole.
        others: further mistakes of the same file, each with its own place.
    """

    def __init__(
        self,
        file: str,
        path: str,
        message: str,
        remedy: str | None = None,
        *,
        line: int | None = None,
        others: "tuple[UseCaseError, ...]" = (),
    ) -> None:
        place = f"{file}:{line}" if line is not None else file
        super().__init__(f"{place}: {path}: {message}" if path else f"{place}: {message}")
        self.file = file
        self.path = path
        self.message = message
        self.remedy = remedy
        self.line = line
        self.others = others

    @property
    def all(self) -> "tuple[UseCaseError, ...]":
        """Every mistake of the file, in the order of its lines."""
        return tuple(sorted((self, *self.others), key=lambda each: (each.line or 0, each.path)))
