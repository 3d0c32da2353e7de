"""Why a node can not be opened."""


class NodeError(Exception):
    """The node can not be opened.

    Attributes:
        remedy: what to do.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
