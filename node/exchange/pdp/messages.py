"""AuthZEN requests, as far as a decision about FHIR needs them; members that would go unused are refused.

::

    {"subject":  {"type": "organization", "id": "90000102",
                  "properties": {"scope": "HuisartsVVTInzage", "user": {"identifier": "U-1", "name": "…", "role": "30.000"}}},
     "action":   {"name": "GET"},
     "resource": {"type": "fhir", "id": "Flag", "properties": {"holder": "gouwe", "fhir_version": "r4", "query": "patient=p1"}},
     "context":  {"purpose": "TREAT"}}

``resource.id`` is the path behind the FHIR base; a form goes in ``body``. ``evaluations`` take over what they don't say themselves.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from node.exchange.explaining import DescribedUser
from node.usecases.model import FhirVersion

MAX_EVALUATIONS = 50

Text = Annotated[str, StringConstraints(max_length=8_192)]
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class SubjectProperties(_Message):
    """Who asks, beside the organisation."""

    scope: Text
    user: DescribedUser | None = None


class Subject(_Message):
    """The organisation that asks; its URA was proven to the caller."""

    type: Literal["organization"]
    id: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")]
    properties: SubjectProperties


class Action(_Message):
    """The HTTP method."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3,7}$")]


class ResourceProperties(_Message):
    """The FHIR request.

    Attributes:
        holder: our organisation, by its name on this node.
    """

    holder: Text
    fhir_version: FhirVersion
    query: Text = ""
    content_type: Text | None = "application/x-www-form-urlencoded"
    body: str = Field(default="", max_length=16_384, repr=False)


class Resource(_Message):
    """What is asked for: ``id`` is the path behind the FHIR base."""

    type: Literal["fhir"]
    id: Text
    properties: ResourceProperties


class Context(_Message):
    """Why."""

    purpose: Text | None = None


class Evaluation(_Message):
    """One question."""

    subject: Subject
    action: Action
    resource: Resource
    context: Context = Context()


class Options(_Message):
    """When to stop."""

    evaluations_semantic: Semantic = "execute_all"


class Evaluations(_Message):
    """Several questions; what one does not say, the whole says."""

    subject: Mapping[str, Any] | None = None
    action: Mapping[str, Any] | None = None
    resource: Mapping[str, Any] | None = None
    context: Mapping[str, Any] | None = None
    options: Options = Options()
    evaluations: Annotated[Sequence[Mapping[str, Any]], Field(min_length=1, max_length=MAX_EVALUATIONS)]

    def each(self) -> list[Evaluation]:
        """Return the questions, complete.

        Raises:
            ValidationError: one of them is not.
        """
        said = {
            name: value
            for name in ("subject", "action", "resource", "context")
            if (value := getattr(self, name)) is not None
        }
        return [Evaluation.model_validate({**said, **each}) for each in self.evaluations]
