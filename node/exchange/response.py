"""One page of an answer belongs to this patient and this step, wholly or not at all (ARCHITECTURE.md §2).

The query is never believed: servers ignore parameters, follow includes and page through other people's data (REAL.md). What
came back is looked at, resource by resource, contained and included ones too; one that doesn't belong withholds the page.
Nothing is thinned out, since a list short of one allergy reads as complete. The bytes are passed on as they came.

Both sides run this: the holder before the first byte leaves (its own server is honest, but may be wrong), the asker on what
a peer sent (who may be neither; so there duplicate JSON members are refused as well).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Never

import msgspec

from node.exchange.hidden import holds_more, names_another_number, names_another_patient
from node.exchange.members import DuplicateMemberError, refuse_duplicate_members
from node.exchange.references import Bases, page_link, read_reference
from node.exchange.shapes import (
    OUTCOME,
    FieldPath,
    Header,
    Identifier,
    ReferenceShape,
    TypeRules,
    decoder_for,
    decoder_for_all,
    rules_by_shape,
    rules_of,
)
from node.usecases.identifiers import BSN_SYSTEMS, is_fhir_id
from node.usecases.model import MAX_COUNT, FhirVersion, Step

MAX_PAGE_BYTES = 8 * 1_048_576
MAX_ENTRIES = MAX_COUNT
MAX_CONTAINED_DEPTH = 3
MAX_CONTAINED = 64

Origin = Literal["own_server", "peer"]


class AnswerError(Exception):
    """A page that is not passed on; the message holds types and rules, never content.

    ::

        AnswerError
        ├── MismatchError      well formed, but not of this patient or not of this step: alarm
        └── BrokenAnswerError  not the answer that FHIR promises: cut off, HTML, too large
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MismatchError(AnswerError):
    """The answer did not belong to this patient or this use case."""


class BrokenAnswerError(AnswerError):
    """The answer is no FHIR page as it should be."""


class CheckedResource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of a checked page.

    Attributes:
        raw: its JSON as received.
        mode: why it is on the page.
        shape: the decoded fields that were looked at.
    """

    type: str
    id: str
    raw: msgspec.Raw
    mode: Literal["match", "include", "outcome"]
    rules: TypeRules | None
    shape: Any

    @property
    def last_updated(self) -> str | None:
        """``meta.lastUpdated`` as the holder wrote it."""
        meta = getattr(self.shape, "meta", None)
        return None if meta is None else meta.lastUpdated

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """Business identifiers."""
        found = getattr(self.shape, "identifier", None)
        return () if found is None else (found if isinstance(found, tuple) else (found,))

    @property
    def recorder(self) -> str | None:
        """Who recorded it, as far as the resource says: a name, else a reference."""
        for path in self.rules.recorder if self.rules else ():
            for reference in path.references(self.shape):
                if reference.display or reference.reference:
                    return reference.display or reference.reference
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPage:
    """A page of which every resource belongs.

    Attributes:
        next_link: where the next page is, relative to the base; ``None`` after the last, or where a step has only one.
        total: as the server says it; ``None`` when it doesn't.
        bound: for later steps: binding name -> ids.
    """

    kind: Literal["searchset", "resource"]
    resources: tuple[CheckedResource, ...]
    next_link: str | None = None
    total: int | None = None
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many resources matched."""
        return sum(resource.mode == "match" for resource in self.resources)


class _Link(msgspec.Struct, frozen=True, gc=False):
    relation: str = ""
    url: str = ""


class _Search(msgspec.Struct, frozen=True, gc=False):
    mode: str | None = None


class _Entry(msgspec.Struct, frozen=True, gc=False):
    resource: msgspec.Raw = msgspec.Raw()
    fullUrl: str | None = None  # noqa: N815  # FHIR's name
    search: _Search | None = None


class _Bundle(msgspec.Struct, frozen=True, gc=False, tag_field="resourceType", tag="Bundle"):
    type: str
    total: int | None = None
    link: tuple[_Link, ...] = ()
    entry: tuple[_Entry, ...] = ()


_BUNDLE = msgspec.json.Decoder(_Bundle)
_HEADER = msgspec.json.Decoder(Header)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ours:
    """Who our patient is, in the words that a page may use."""

    ids: frozenset[str]
    bsn: str | None
    bases: Bases
    spellings: frozenset[str]


def check_page(
    body: bytes,
    *,
    step: Step,
    fhir_version: FhirVersion,
    patient_ids: frozenset[str],
    bases: Bases,
    bsn: str | None = None,
    read_id: str | None = None,
    origin: Origin,
) -> CheckedPage:
    """Check one answer, a searchset page or a resource read by id.

    Args:
        body: as received; nothing about it is assumed.
        step: what was asked.
        fhir_version: of the table.
        patient_ids: logical ids of our patient at this holder; for the patient match they are found here.
        bases: addresses under which the answering server is known.
        bsn: of our patient; needed for the match, and checked wherever a record names one.
        read_id: the id that was read; ``None`` for a search.
        origin: ``peer`` refuses duplicate JSON members as well.

    Raises:
        MismatchError: a resource doesn't belong to this patient or this step.
        BrokenAnswerError: not the page that FHIR promises.
        ValueError: called wrongly: a match without BSN, a read without id, a type without rules.
    """
    if (step.is_match and bsn is None) or ((step.kind == "read") != (read_id is not None)):
        raise ValueError("a match needs the BSN, a read the id, a search neither")
    # (1) size and text
    if len(body) > MAX_PAGE_BYTES:
        raise BrokenAnswerError("too_large", f"the answer is larger than {MAX_PAGE_BYTES} bytes")
    try:
        body.decode()
        if origin == "peer":
            refuse_duplicate_members(body)
    except DuplicateMemberError as error:
        raise BrokenAnswerError("duplicate_member", "an object in the answer names a member twice") from error
    except ValueError as error:
        raise BrokenAnswerError("not_json", "the answer is not JSON in UTF-8") from error
    ours = _Ours(
        ids=patient_ids,
        bsn=bsn,
        bases=bases,
        spellings=frozenset(
            f"{prefix}Patient/{patient}" for patient in patient_ids for prefix in ("", *(f"{u}/" for u in bases.urls))
        ),
    )
    if read_id is not None:
        return _check_resource_page(body, step, fhir_version, ours, read_id)
    return _check_searchset(body, step, fhir_version, ours)


def _check_resource_page(body: bytes, step: Step, version: FhirVersion, ours: _Ours, read_id: str) -> CheckedPage:
    decoder = decoder_for(version, frozenset(step.types.matched))
    shape = _decode_resource(decoder, body, frozenset(step.types.matched))
    if shape.id != read_id:
        raise MismatchError("other_resource", "the resource that came back is not the one that was read")
    rules = rules_by_shape(version)[type(shape)]
    resource = _check_resource(shape, rules, msgspec.Raw(body), "match", step, version, ours)
    _check_hidden(body, (resource,), step, ours, around=0)
    return CheckedPage(kind="resource", resources=(resource,), bound=_bind(step, (resource,), ours))


def _check_searchset(body: bytes, step: Step, version: FhirVersion, ours: _Ours) -> CheckedPage:
    try:
        bundle = _BUNDLE.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenAnswerError("not_a_searchset", "the answer is not a FHIR Bundle") from error
    # (2) a searchset of bearable length
    if bundle.type != "searchset":
        raise BrokenAnswerError("not_a_searchset", "the answer is not a Bundle of type searchset")
    if len(bundle.entry) > MAX_ENTRIES:
        raise BrokenAnswerError("too_large", f"the page has more than {MAX_ENTRIES} entries")
    # (3) every entry, one by one
    matched, included = frozenset(step.types.matched), frozenset(step.types.included)
    listed = matched | included
    decoder = decoder_for(version, listed, outcomes=True)
    known = rules_by_shape(version)
    checked = []
    for entry in bundle.entry:
        shape = _decode_resource(decoder, entry.resource, listed)
        mode = (entry.search.mode if entry.search else None) or "match"
        rules = known.get(type(shape))
        if rules is None and mode == "outcome":
            checked.append(
                CheckedResource(type=OUTCOME, id=shape.id, raw=entry.resource, mode="outcome", rules=None, shape=shape)
            )
            continue
        if rules is None:
            raise MismatchError("type_not_listed", "an OperationOutcome stands among the resources")
        if mode == "match" and rules.name in matched:
            resource = _check_resource(shape, rules, entry.resource, "match", step, version, ours)
        elif mode == "include" and rules.name in included:
            resource = _check_resource(shape, rules, entry.resource, "include", step, version, ours)
        else:
            raise MismatchError("type_not_listed", f"{rules.name} with this search mode is not part of the step")
        if entry.fullUrl is not None:
            _check_full_url(entry.fullUrl, rules.name, resource.id)
        checked.append(resource)
    # (4) not more than was asked for
    resources = tuple(checked)
    if step.max_matched is not None and sum(found.mode == "match" for found in resources) > step.max_matched:
        raise MismatchError("too_many", f"more than {step.max_matched} resources came back")
    # (5) nor anything hidden where the rules do not look
    _check_hidden(body, resources, step, ours, around=1)
    return CheckedPage(
        kind="searchset",
        resources=resources,
        next_link=_next_link(bundle.link, step, ours.bases),
        total=bundle.total if bundle.total is None or bundle.total >= 0 else None,
        bound=_bind(step, resources, ours),
    )


def _decode_resource(decoder: msgspec.json.Decoder[Any], raw: bytes | msgspec.Raw, listed: frozenset[str]) -> Any:
    """Decode one resource; tell a type that is not listed from JSON that is not FHIR."""
    try:
        shape = decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _explain_undecodable(raw, listed, error)
    if not is_fhir_id(shape.id) and type(shape).__name__ != OUTCOME:
        raise BrokenAnswerError("no_id", "a resource has no proper id")
    return shape


def _explain_undecodable(raw: bytes | msgspec.Raw, listed: frozenset[str], error: Exception) -> Never:
    try:
        header = _HEADER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BrokenAnswerError("not_fhir", "an entry is not a FHIR resource") from error
    if header.resourceType and header.resourceType not in listed:
        raise MismatchError("type_not_listed", "a resource type came back that is not part of this step") from error
    raise BrokenAnswerError("not_fhir", "a resource is not shaped as FHIR says") from error


def _check_resource(
    shape: Any,
    rules: TypeRules,
    raw: msgspec.Raw,
    mode: Literal["match", "include"],
    step: Step,
    version: FhirVersion,
    ours: _Ours,
) -> CheckedResource:
    contained_patients: frozenset[str] = frozenset()
    if shape.contained:
        contained_patients = _check_contained(shape.contained, version, ours, depth=1)
    if rules.name == "Patient":
        _check_patient(shape, rules, ours, found_by_bsn=step.is_match)
    else:
        _check_owner(shape, rules, ours, contained_patients)
    return CheckedResource(type=rules.name, id=shape.id, raw=raw, mode=mode, rules=rules, shape=shape)


def _check_patient(shape: Any, rules: TypeRules, ours: _Ours, *, found_by_bsn: bool) -> None:
    """A Patient is ours by its one BSN, and after the match by its id too."""
    if ours.bsn is not None and bsns_of(shape) != frozenset({ours.bsn}):
        raise MismatchError("other_patient", "a Patient doesn't carry exactly the one BSN that was asked for")
    if not found_by_bsn and shape.id not in ours.ids:
        raise MismatchError("other_patient", "a Patient came back that was not asked for")
    for path in rules.others:  # other records of the same person: a citizen number in them is theirs or a mistake
        for linked in path.references(shape):
            identifier = linked.identifier
            if identifier is not None and identifier.system in BSN_SYSTEMS and identifier.value != ours.bsn:
                raise MismatchError("other_patient", "a Patient is linked to somebody with another BSN")


def bsns_of(shape: Any) -> frozenset[str]:
    """Return the citizen service numbers of a decoded Patient; values that are no BSN count too, as themselves."""
    identifiers = shape.identifier if isinstance(shape.identifier, tuple) else (shape.identifier,)
    return frozenset(
        identifier.value or ""
        for identifier in identifiers
        if identifier is not None and identifier.system in BSN_SYSTEMS
    )


def _check_owner(shape: Any, rules: TypeRules, ours: _Ours, contained_patients: frozenset[str]) -> None:
    """The owner must be our patient; no other field may name another patient."""
    if rules.owner is not None:
        owner: ReferenceShape | None = getattr(shape, rules.owner)
        if owner is None:
            if not rules.owner_optional:
                raise MismatchError("no_patient", f"a {rules.name} doesn't say whose it is")
        elif (owner.identifier is not None or owner.reference not in ours.spellings) and not _is_ours(
            owner, ours, contained_patients
        ):
            raise MismatchError("other_patient", f"a {rules.name} is not about our patient")
    if rules.among is not None:
        _check_among(rules.among.references(shape), rules, ours, contained_patients)
    for path in rules.others:
        for reference in path.references(shape):
            if _is_another_patient(reference, ours):
                raise MismatchError("other_patient", f"a {rules.name} names another patient")


def _check_among(
    found: Sequence[ReferenceShape], rules: TypeRules, ours: _Ours, contained_patients: frozenset[str]
) -> None:
    """Of those whose resource this is, one must be our patient, and none another one."""
    if any(_is_another_patient(each, ours) for each in found):
        raise MismatchError("other_patient", f"a {rules.name} names another patient")
    if not any(_is_ours(each, ours, contained_patients) for each in found):
        raise MismatchError("no_patient", f"a {rules.name} doesn't say whose it is")


def _is_ours(owner: ReferenceShape, ours: _Ours, contained_patients: frozenset[str]) -> bool:
    """Whether every way in which ``owner`` names someone leads to our patient, and there is one."""
    by_bsn = owner.identifier is not None and owner.identifier.system in BSN_SYSTEMS
    if by_bsn and ours.bsn is not None and owner.identifier is not None and owner.identifier.value != ours.bsn:
        return False
    if owner.reference is None:
        return by_bsn and ours.bsn is not None
    if owner.reference in ours.spellings:
        return True
    target = read_reference(owner.reference, ours.bases)
    if target.kind == "contained":
        return target.id in contained_patients
    return target.kind == "local" and target.type == "Patient" and target.id in ours.ids


def _is_another_patient(found: ReferenceShape, ours: _Ours) -> bool:
    """Whether ``found`` names a patient that is not ours; contained ones are checked where they stand."""
    if found.identifier is not None and found.identifier.system in BSN_SYSTEMS and found.identifier.value != ours.bsn:
        return True
    if found.reference is None or "Patient/" not in found.reference or found.reference in ours.spellings:
        return False
    target = read_reference(found.reference, ours.bases)
    return not (target.kind == "local" and target.type == "Patient" and target.id in ours.ids)


def _check_contained(
    contained: Sequence[msgspec.Raw], version: FhirVersion, ours: _Ours, *, depth: int
) -> frozenset[str]:
    """Check contained resources as any other; return the ids of contained Patients, who are ours."""
    if depth > MAX_CONTAINED_DEPTH or len(contained) > MAX_CONTAINED:
        raise BrokenAnswerError("too_large", "contained resources are nested too deep or too many")
    decoder = decoder_for_all(version)
    rules = rules_of(version)
    shapes = []
    for raw in contained:
        try:
            shapes.append(decoder.decode(raw))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            _explain_undecodable(raw, frozenset(rules), error)
    patients = set()
    for shape in shapes:
        if type(shape).__name__ == "Patient":
            if ours.bsn is None or bsns_of(shape) != frozenset({ours.bsn}):
                raise MismatchError("other_patient", "a contained Patient doesn't carry the BSN of our patient")
            patients.add(shape.id)
    for shape in shapes:
        inner = frozenset(patients)
        if shape.contained:
            inner |= _check_contained(shape.contained, version, ours, depth=depth + 1)
        if type(shape).__name__ != "Patient":
            _check_owner(shape, rules[type(shape).__name__], ours, inner)
    return frozenset(patients)


def _check_hidden(body: bytes, resources: Sequence[CheckedResource], step: Step, ours: _Ours, *, around: int) -> None:
    """Search the whole page for other patients and for resources where none may stand (``hidden.py``)."""
    checked = [resource.raw for resource in resources if resource.rules is not None]
    if holds_more(body, around=around + len(resources) - len(checked), resources=checked):
        raise MismatchError("nested_resource", "a resource stands where none may stand")
    patients = [resource for resource in resources if resource.type == "Patient"]
    ids = ours.ids | {resource.id for resource in patients} if step.is_match else ours.ids
    linked = {
        reference.reference or ""
        for resource in patients
        for path in (resource.rules.others if resource.rules else ())
        for reference in path.references(resource.shape)
    }
    if names_another_patient(body, ids=ids, known=linked, bases=ours.bases):
        raise MismatchError("other_patient", "a reference leads to another patient")
    if ours.bsn is not None and names_another_number(body, bsn=ours.bsn):
        raise MismatchError("other_patient", "a reference names somebody by another number")


def _check_full_url(full_url: str, name: str, resource_id: str) -> None:
    """A fullUrl may say where, not what: readers that go by it must find the same resource."""
    if "://" in full_url and not full_url.endswith(f"/{name}/{resource_id}"):
        raise MismatchError("other_resource", "an entry's fullUrl names another resource than it holds")


def _next_link(links: Sequence[_Link], step: Step, bases: Bases) -> str | None:
    found = [link.url for link in links if link.relation == "next"]
    if not found:
        return None
    if step.is_match:
        raise BrokenAnswerError("too_many", "the patient match has more than one page")
    if step.paging == "first_page":
        return None
    relative = page_link(found[0], bases)
    if relative is None or len(found) > 1:
        raise BrokenAnswerError("foreign_link", "the next page is not on the same server")
    return relative


def _bind(step: Step, resources: Sequence[CheckedResource], ours: _Ours) -> Mapping[str, tuple[str, ...]]:
    """Return what the page binds, in the order of the page, each id once."""
    bound = {}
    for name, sources in step.binds.items():
        ids: dict[str, None] = {}
        for source in sources:
            source_type, _, field_and_target = source.partition(".")
            field_name, _, target = field_and_target.partition(":")
            for resource in resources:
                if resource.type == source_type:
                    ids.update(dict.fromkeys(_bound_ids(resource, field_name, target, ours.bases)))
        bound[name] = tuple(ids)
    return bound


def _bound_ids(resource: CheckedResource, field_name: str, target: str, bases: Bases) -> list[str]:
    if field_name == "id":
        return [resource.id]
    found: list[str] = []
    for path in resource.rules.links if resource.rules else ():
        if path == FieldPath(field_name, ()):
            references = (read_reference(each.reference or "", bases) for each in path.references(resource.shape))
            found.extend(each.id for each in references if each.kind == "local" and each.type == target)
    return found
