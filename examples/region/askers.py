"""Who asks: one person per organisation, as its own system would say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A person who asks for data of others.

    Attributes:
        identifier: at the organisation itself.
        role: UZI role code.
        name: as other organisations will see it.
    """

    identifier: str
    role: str
    name: str

    def for_init(self) -> str:
        """``ID:ROLE:NAME``, as ``hazel init --cli-user`` wants it."""
        return f"{self.identifier}:{self.role}:{self.name}"

    def for_question(self) -> dict[str, str]:
        """As a question names its user (API.md §2)."""
        return {"identifier": self.identifier, "name": self.name, "role": self.role}


ASKERS = {
    "gouwe": Asker(identifier="U-1001", role="01.015", name="J. Jansen, huisarts"),
    "oever": Asker(identifier="U-2001", role="30.000", name="M. de Wit, wijkverpleegkundige"),
    "linde": Asker(identifier="U-3001", role="01.016", name="P. Bakker, internist"),
    "wending": Asker(identifier="U-4001", role="01.015", name="S. Visser, psychiater"),
    "hofstede": Asker(identifier="U-5001", role="17.000", name="A. Smit, apotheker"),
}
