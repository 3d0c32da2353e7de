"""Whose record is this: the holder's own Patient resources -> logical id and citizen (LANDSCAPE.md §6.6).

A record that carries exactly one BSN, a real one, is that citizen's; a record with none or with two is nobody's.
"""

import msgspec

from node.exchange.response import MAX_ENTRIES, MAX_PAGE_BYTES, BrokenAnswerError, bsns_of
from node.exchange.shapes import decoder_for
from node.usecases.identifiers import is_bsn, is_fhir_id
from node.usecases.model import FhirVersion


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw()


class _Page(msgspec.Struct, frozen=True):
    resourceType: str = ""  # noqa: N815  # FHIR's name
    entry: tuple[_Entry, ...] = ()


class _Kind(msgspec.Struct, frozen=True):
    resourceType: str = ""  # noqa: N815  # FHIR's name


_PAGE = msgspec.json.Decoder(_Page)
_KIND = msgspec.json.Decoder(_Kind)


def citizens_in(body: bytes, *, fhir_version: FhirVersion) -> dict[str, str]:
    """Return logical id -> BSN for every Patient in ``body`` that is one citizen's.

    Args:
        body: a Patient, or a Bundle that holds some; from our own server. Other resources are passed over.
        fhir_version: of that server.

    Raises:
        BrokenAnswerError: neither of the two.
    """
    if len(body) > MAX_PAGE_BYTES:
        raise BrokenAnswerError("too_large", f"the answer is larger than {MAX_PAGE_BYTES} bytes")
    decoder = decoder_for(fhir_version, frozenset({"Patient"}))
    try:
        page = _PAGE.decode(body)
        raws: list[bytes | msgspec.Raw] = [body]
        if page.resourceType == "Bundle":
            raws = [entry.resource for entry in page.entry if _KIND.decode(entry.resource).resourceType == "Patient"]
        if len(raws) > MAX_ENTRIES:
            raise BrokenAnswerError("too_large", f"more than {MAX_ENTRIES} patients")
        patients = [decoder.decode(raw) for raw in raws]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BrokenAnswerError("not_fhir", "the answer is neither a Patient nor a Bundle of them") from error
    found = {}
    for patient in patients:
        numbers = bsns_of(patient)
        if len(numbers) == 1 and is_fhir_id(patient.id) and is_bsn(next(iter(numbers))):
            found[patient.id] = next(iter(numbers))
    return found
