"""Presentation submissions: which credential in a presentation answers which input descriptor.

The holder writes one (`build_submission`); the verifier reads it and checks it against its own choice (`fulfil`). A submission
is never believed: the verifier matches the presentation's credentials itself, and what was submitted has to be exactly that
(WIRE §2.5.5 (7)).

A path points into the decoded presentation. For a single credential dialects differ, ``$.verifiableCredential`` or
``$.verifiableCredential[0]`` (WIRE §0); both are read. The holder writes what fits the shape it sends.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from credentials.errors import MalformedError, UntrustedError
from credentials.fields import Fields
from credentials.query.candidates import Claim
from credentials.query.definition import MAX_DESCRIPTORS, MAX_ID_LENGTH, PresentationDefinition
from credentials.query.matching import Match, match_wallet
from credentials.vc.credential import SignedCredential
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation

MAX_SUBMISSION_BYTES: Final = 32_768
"""Bytes of one submission."""
MAX_PATH_NESTING: Final = 3
"""``path_nested`` within ``path_nested``: a presentation in an array is one."""

PresentationShape = Literal["array", "collapsed"]
"""How the presentation writes a single credential: as an array of one, or standing alone. Ours are ``array``."""

_PATH: Final = re.compile(
    r"\$(?:\[(?P<presentation>0|[1-9]\d{0,2})\])?\.verifiableCredential(?:\[(?P<credential>0|[1-9]\d{0,2})\])?"
)
_SUBMISSION_MEMBERS: Final = frozenset({"id", "definition_id", "descriptor_map"})
_DESCRIPTOR_MEMBERS: Final = frozenset({"id", "format", "path", "path_nested"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedDescriptor:
    """One line of a submission.

    Attributes:
        id: the input descriptor answered.
        format: format of the credential, as said; for a nested path that of the innermost one.
        presentation: position of the presentation in an array of them; None when it stands alone.
        credential: position in the presentation; None points to the only one.
    """

    id: str
    format: str
    presentation: int | None
    credential: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentationSubmission:
    """A parsed submission: claims of the sender, to be checked by `fulfil`.

    Attributes:
        id: the sender's name for it.
        definition_id: the definition it answers.
        descriptors: one line per input descriptor, each once.
    """

    id: str
    definition_id: str
    descriptors: tuple[SubmittedDescriptor, ...]

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read the form parameter ``presentation_submission``: a bare JSON object.

        Raises:
            MalformedError: not a submission, unknown members (nuts-node's schema forbids them), or a path we don't read.
        """
        fields = Fields.from_json(text, max_bytes=MAX_SUBMISSION_BYTES, what="presentation submission")
        _only(fields, _SUBMISSION_MEMBERS)
        children = fields.children("descriptor_map")
        if len(children) > MAX_DESCRIPTORS:
            raise MalformedError(f"presentation submission has more than {MAX_DESCRIPTORS} descriptors")
        descriptors = tuple(_descriptor(child) for child in children)
        if len({descriptor.id for descriptor in descriptors}) != len(descriptors):
            raise MalformedError("presentation submission answers an input descriptor twice")
        return cls(id=_short(fields, "id"), definition_id=_short(fields, "definition_id"), descriptors=descriptors)


def build_submission(
    definition: PresentationDefinition,
    match: Match,
    shape: PresentationShape = "array",
    *,
    submission_id: str,
    position: int | None = None,
) -> dict[str, Any]:
    """Say which credential answers which descriptor.

    Args:
        definition: what was asked.
        match: our choice; the presentation will hold exactly ``match.credentials``, in that order.
        shape: how the presentation will write a single credential.
        submission_id: a fresh UUID.
        position: index of the presentation when several are sent in an array; written as ``$[1].verifiableCredential[0]``, since
            nuts-node reads ``path_nested`` below JSON-LD presentations only.

    Returns:
        The JSON object to send.
    """
    alone = shape == "collapsed" and len(match.credentials) == 1
    root = "$.verifiableCredential" if position is None else f"$[{position}].verifiableCredential"
    return {
        "id": submission_id,
        "definition_id": definition.id,
        "descriptor_map": [
            {
                "id": descriptor_id,
                "format": credential.format,
                "path": root if alone else f"{root}[{_position(match, credential)}]",
            }
            for descriptor_id, credential in match.selected
        ],
    }


def fulfil(
    definition: PresentationDefinition,
    submission: PresentationSubmission | None,
    presentation: SignedPresentation | VerifiedPresentation,
    *,
    exact: bool = False,
    position: int | None = None,
) -> Mapping[str, Claim]:
    """Check that a presentation answers a definition, and return the claims: field id to value.

    Arguments and errors are those of `fulfilment`.
    """
    return fulfilment(definition, submission, presentation, exact=exact, position=position).claims


def fulfilment(
    definition: PresentationDefinition,
    submission: PresentationSubmission | None,
    presentation: SignedPresentation | VerifiedPresentation,
    *,
    exact: bool = False,
    position: int | None = None,
) -> Match:
    """Check that a presentation answers a definition.

    Args:
        definition: our own.
        submission: what the sender says answers what; None where the protocol has none (discovery).
        presentation: the credentials; claims are as trustworthy as it is, so hand a verified one to act on them.
        exact: whether credentials that nothing asked for are refused.
        position: index of the presentation when several were sent in an array.

    Returns:
        The verifier's own match.

    Raises:
        NoMatch: the credentials don't satisfy the definition.
        UntrustedError: the submission says something else than what we find, or there is surplus.
        MalformedError: a path points outside the presentation.
    """
    if isinstance(presentation, VerifiedPresentation):
        presentation = presentation.presentation
    # (1) the submission answers this definition
    if submission is not None and submission.definition_id != definition.id:
        raise UntrustedError("presentation submission is for another definition")
    # (2) our own choice among what was sent
    match = match_wallet(definition, presentation.credentials)
    # (3) it is the sender's choice: the same descriptors, each with the same credential
    if submission is not None:
        submitted = {each.id: each for each in submission.descriptors}
        if submitted.keys() != {descriptor_id for descriptor_id, _ in match.selected}:
            raise UntrustedError("presentation submission answers other input descriptors than the credentials do")
        for descriptor_id, credential in match.selected:
            _check_line(submitted[descriptor_id], credential, presentation, position)
    # (4) nothing more than was asked
    if exact and len(match.credentials) != len(presentation.credentials):
        raise UntrustedError("presentation holds a credential that the definition does not ask for")
    return match


def _check_line(
    line: SubmittedDescriptor, credential: SignedCredential, presentation: SignedPresentation, position: int | None
) -> None:
    # (1) it points into this presentation
    if line.presentation != position:
        raise MalformedError("presentation submission: path points to another presentation")
    # (2) to a credential that is there; without an index, to the only one
    index = line.credential
    if index is None and len(presentation.credentials) == 1:
        index = 0
    if index is None or index >= len(presentation.credentials):
        raise MalformedError("presentation submission: path points to no credential")
    # (3) the one that we chose ourselves
    if presentation.credentials[index].raw != credential.raw or line.format != credential.format:
        raise UntrustedError(
            "presentation submission maps an input descriptor to another credential than the first that fits"
        )


def _position(match: Match, credential: SignedCredential) -> int:
    return next(index for index, each in enumerate(match.credentials) if each is credential)


def _only(fields: Fields, names: frozenset[str]) -> None:
    if fields.names() - names:
        raise MalformedError(f"{fields.what} has a member that is not known")


def _short(fields: Fields, name: str) -> str:
    text = fields.text(name)
    if len(text) > MAX_ID_LENGTH:
        raise MalformedError(f"{fields.what}: {name} is longer than {MAX_ID_LENGTH} characters")
    return text


def _descriptor(fields: Fields) -> SubmittedDescriptor:
    _only(fields, _DESCRIPTOR_MEMBERS)
    identifier, path, inner = _short(fields, "id"), _short(fields, "path"), fields
    for _ in range(MAX_PATH_NESTING):
        nested = inner.optional_child("path_nested")
        if nested is None:
            break
        _only(nested, _DESCRIPTOR_MEMBERS)
        below = _short(nested, "path")
        if not below.startswith("$") or nested.optional_text("id") not in {None, identifier}:
            raise MalformedError("presentation submission: path_nested is not a path below this one")
        path, inner = path + below[1:], nested
    else:
        raise MalformedError("presentation submission: path_nested is nested too deep")
    found = _PATH.fullmatch(path)
    if found is None:
        raise MalformedError("presentation submission: path does not point to a credential of a presentation")
    presentation, credential = found.group("presentation"), found.group("credential")
    return SubmittedDescriptor(
        id=identifier,
        format=_short(inner, "format"),
        presentation=None if presentation is None else int(presentation),
        credential=None if credential is None else int(credential),
    )
