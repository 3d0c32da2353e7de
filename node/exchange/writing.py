"""What a peer writes: one resource, of a listed type, about the patient it names, and nobody else anywhere in it.

The bytes go to our own FHIR server as they came, so they are read as strictly as a stranger's page: no member twice, no other patient,
also contained. Whose record it is, is decided as for a read; a change names a resource that a checked page named under the same
grant, and the version it changes (``If-Match``).
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from node.exchange.interaction import NotAllowedError
from node.exchange.members import DuplicateMemberError, refuse_duplicate_members
from node.exchange.references import Bases, read_reference
from node.exchange.response import AnswerError, check_page
from node.exchange.shapes import decoder_for, rules_of
from node.usecases.model import FhirVersion, Step, Write

_NEW = "new"
"""The id that something new has while it is checked; the server behind gives it its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A write that the table lists.

    Attributes:
        step: the same as the step of a query, for rules and records.
        resource_id: of what is changed; empty for something new.
        content: the resource as it came, parsed and of one patient by its own words.
        if_match: the version that is changed, as FHIR writes it; ``None`` for something new.
        patient: logical id of that patient.
    """

    write: Write
    step: Step
    resource_id: str
    content: bytes = field(repr=False)
    if_match: str | None
    patient: str


class _Meta(msgspec.Struct, frozen=True):
    profile: tuple[str, ...] = ()


class _Resource(msgspec.Struct, frozen=True):
    meta: _Meta = _Meta()
    id: str | None = None


_RESOURCE = msgspec.json.Decoder(_Resource)


def as_step(write: Write) -> Step:
    """Return a write in the form of a step that reads the same resource."""
    return Step.model_validate(
        {
            "id": write.id,
            "title": {"nl": write.title.nl, "en": write.title.en},
            "request": f"GET {write.resource_type}/{{{write.binding or 'written'}}}",
            "types": {"matched": [write.resource_type]},
        }
    )


def read_written(
    write: Write, step: Step, *, resource_id: str, content: bytes, if_match: str | None, version: FhirVersion
) -> Written:
    """Read what is to be written, as far as it can be judged without a look at the citizen. Total.

    Raises:
        NotAllowedError: not a resource of that type, of nobody, without its version, or of another profile.
    """
    # (1) JSON that means one thing
    try:
        refuse_duplicate_members(content)
        shape = decoder_for(version, frozenset({write.resource_type})).decode(content)
        resource = _RESOURCE.decode(content)
    except DuplicateMemberError as error:
        raise NotAllowedError("write_malformed", "an object in the resource names a member twice") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NotAllowedError("write_malformed", "the body is not a resource of the listed type") from error
    # (2) a new one has no id, a changed one its own, and the version that it changes
    if (resource.id or "") != resource_id:
        raise NotAllowedError("write_other_id", "the resource has another id than the address")
    if (if_match is None) != (not resource_id):
        raise NotAllowedError("write_version", "a change names the version that it changes, and nothing new does")
    # (3) as the use case wants it
    if write.profiles and not set(resource.meta.profile) & set(write.profiles):
        raise NotAllowedError("write_profile", "the resource claims none of the listed profiles")
    # (4) about one patient, by logical id
    return Written(
        write=write,
        step=step,
        resource_id=resource_id,
        content=content,
        if_match=if_match,
        patient=_owner(shape, write.resource_type, version),
    )


def check_written(
    written: Written, *, version: FhirVersion, patient_ids: frozenset[str], bases: Bases, bsn: str | None
) -> None:
    """Check that nobody but our patient is named anywhere in it.

    Raises:
        NotAllowedError: somebody else is, or a reference leads elsewhere.
    """
    content = written.content
    if not written.resource_id:
        content = b'{"id":"' + _NEW.encode() + b'",' + content.lstrip()[1:]
    try:
        check_page(
            content,
            step=written.step,
            fhir_version=version,
            patient_ids=patient_ids,
            bases=bases,
            bsn=bsn,
            read_id=written.resource_id or _NEW,
            origin="peer",
        )
    except AnswerError as error:
        raise NotAllowedError(f"write_{error.code}", "the resource does not belong to this patient") from None


def written_id(body: bytes) -> str:
    """Return the id in what our server answered; empty when there is none."""
    try:
        return _RESOURCE.decode(body).id or ""
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def _owner(shape: Any, name: str, version: FhirVersion) -> str:
    rules = rules_of(version)[name]
    owner = getattr(shape, rules.owner) if rules.owner is not None else None
    target = read_reference((owner.reference if owner is not None else None) or "", Bases(()))
    if target.kind != "local" or target.type != "Patient":
        raise NotAllowedError("write_without_patient", "the resource doesn't name the patient it is about")
    return target.id
