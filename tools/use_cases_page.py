"""Writes ``docs/use-cases.md``: every shipped use case, whom it is for, what is asked, what is let through beside it, an example.

Made from the files that decide what leaves, so the page can not promise more than they let.
"""
# ruff: noqa: INP001, E501  # a program beside the packages, not one of them; rows of a table in Markdown have no line ends

import json
from collections.abc import Iterator

from examples.region.hapi.loading import LACKING
from examples.region.hapi.unanswered import UNANSWERED
from node.usecases.identifiers import BSN_SYSTEM
from node.usecases.listing import request_line
from node.usecases.load import LoadedUseCase, load_shipped
from node.usecases.model import Step, Table, UseCase
from node.usecases.plan import plan_step

ORDER = (
    "ha-vvt", "medication", "bgz", "pzp", "acute", "care-team", "360", "zorginzage", "lab", "bglz", "ggz", "anw", "patient-access",
)  # fmt: skip

CITIZEN = "999990500"
"""A number that is never issued; the tests against HAPI have a record under it, and ask these questions."""

BOUND = {
    name: ("10421" if name == "patient" else f"{name}-1",)
    for name in ("patient", "practitioner", "organization", "document")
}

INTRODUCTION = """\
# Use cases

<!-- Generated from node/usecases/*.yaml by `make docs`. -->

A use case is a file, not code. From its query table follow both sides: what an asker sends, and what a holder lets through,
parameter by parameter; nothing else reaches a record system. `hazel usecase show ID` prints a file as this page does.

The [form of a file](#the-form-of-a-file) is at the end, with how to make one of your own.
Purposes: `TREAT` treatment, `COC` coordination of care, `ETREAT` emergency treatment, `BTG` break the glass, `PATRQT` the patient asks.
A step marked *on request* is asked only when somebody names it, with a purpose that was stated."""

FORM = """\
## The form of a file

YAML in which every scalar is text; `hazel usecase schema` prints its JSON Schema, for editors. The file of a new use case begins as a
copy of the one that is nearest. What each member means stands in `node/usecases/model.py`.

| Members | Say |
| --- | --- |
| `id`, `version`, `title`, `source` | what it is, and where its queries come from |
| `wire_scope`, `scope_policy`, `discovery_service` | its name on the wire, what becomes of further scopes, where participants find each other |
| `presentation_definitions` | who an asker has to prove to be: JSON as in a nuts-node's policy file, roots open as `{{uzi}}` |
| `purposes`, `user_roles`, `delegations`, `evidence`, `assurance` | for what, who, in whose name, known how, how surely |
| `legal_bases` (also per table), `break_the_glass`, `existence` | on which basis, whether in an emergency without, and whether a peer may learn that it would help |
| `data_category` (also per step), `audit_code`, `pilot` | what a consent is about, how it is recorded, whom it is limited to while it is tried |
| `deadline_ms`, `step_deadline_ms`, `when_away` | how long, and what happens when something we depend on is away |
| `on_request`, `merge`, `import`, `write_back` | the second tier, how answers are put side by side, what may be taken over, whether changes may be proposed |
| `tables`: `asker_types`, `holder_types`, `fhir_version` | one direction in one FHIR version, by Vektis code |
| `steps`: `request`, `send`, `accept`, `binds`, `types`, `paging`, `tier`, `topic`, `note` | one query: asked in one form, let through in these, what may come back |
| `writes` | what may be written, where a use case names it |

How to add one:

1. Copy the nearest shipped file to `usecase_directory`, change `id`, `wire_scope`, `discovery_service` and the tables.
2. `hazel usecase check FILE` tells every mistake with its line and what to do; `hazel usecase diff FILE` what it would change here.
3. A file of your own counts once it is pinned (`usecases: ["wounds@sha256:…"]`, as `check` prints it) or signed by somebody in
   `trust.anchors.usecase_signers` (`hazel usecase sign FILE --key KEY.pem`). One with the id of a shipped use case takes its place if it
   only narrows it.
4. Put the discovery service's definition file in `discovery.definitions`, and start the node again.

`tests/node/usecases/test_new_use_case.py` does this with one file and no code.

Once in front of a stopwatch, on 22 November 2026: `tests/hapi/care-planning.yaml`, shared care planning (the active CarePlan with its team
and goals, and the CareTeam), from a query table to a file that `hazel usecase check` found in order at the first try: 35 seconds. Its author
knew the form and wrote it in one go; somebody who reads this page for the first time needs longer, which nobody has measured. Between two
nodes the first question was refused (403: a role that the file does not name, with those that it does); the next one was answered in 0.4 s.
By the clock on the wall that was 15 minutes after the beginning, nearly all of it other work and waiting for test servers. No code was
written for it; for the nodes it took three more lines, the pin, the directory and the discovery service. `tests/hapi/test_use_case_examples.py` asks it again in every run.

A policy directory of a nuts-node (`*.json`) loads as it is from `usecase_directory`: its scopes get tokens, for those who enforce
themselves behind token introspection; they have no queries, so nothing leaves by them."""


def use_cases_page() -> str:
    """Return the page."""
    loaded = {one.usecase.id: one for one in load_shipped()}
    found = [loaded.pop(name) for name in ORDER] + list(loaded.values())
    lines = [
        INTRODUCTION,
        "",
        "| Use case | What it is | Between | FHIR | Basis | Purposes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_row(one.usecase) for one in found]
    for one in found:
        lines += ["", *_usecase(one)]
    return "\n".join([*lines, "", *_plain_server(), "", FORM]) + "\n"


def _plain_server() -> Iterator[str]:
    yield "## On a FHIR server that knows nothing of this"
    yield ""
    yield "Every form above that reaches a server is asked of HAPI FHIR, STU3 and R4, with the records of two people, and finds what it is for and"
    yield "nothing of the other (`tests/hapi/test_use_case_queries.py`). For that, HAPI has to be told of search parameters that no FHIR version"
    yield f"defines and specifications use: {', '.join(f'`{each.resource_type}.{each.code}`' for each in LACKING)}; until then it answers 400."
    yield "The questions shown for `medication`, `bgz`, `acute`, `care-team`, `360`, `zorginzage` and `lab` are asked between two nodes in front of it, in R4"
    yield "(`tests/hapi/test_use_case_examples.py`), and those for `ha-vvt` (STU3) and `bglz` (R4) of home care. Those of `pzp`, `ggz` and `anw` are only"
    yield "checked to be questions that the API takes."
    yield ""
    yield "What it can not answer even so, tried in both directions:"
    yield ""
    yield "| FHIR | Query | What HAPI does |"
    yield "| --- | --- | --- |"
    for each in UNANSWERED:
        yield f"| {each.fhir_version.upper()} | {_code(each.line)} | {each.why} |"


def _row(usecase: UseCase) -> str:
    versions = ", ".join(sorted({table.fhir_version.upper() for table in usecase.tables}))
    askers = sorted({each for table in usecase.tables for each in table.asker_types})
    holders = sorted({each for table in usecase.tables for each in table.holder_types})
    between = f"{' '.join(askers)} ask {' '.join(holders)}"
    bases = " or ".join(each.replace("_", " ") for each in usecase.legal_bases)
    return f"| [`{usecase.id}`](#{usecase.id}) | {usecase.title.en} | {between} | {versions} | {bases} | {' '.join(usecase.purposes)} |"


def _usecase(one: LoadedUseCase) -> Iterator[str]:
    usecase = one.usecase
    yield f"## {usecase.id}"
    yield ""
    yield f"{usecase.title.en} (*{usecase.title.nl}*). {usecase.source.specification}; read {usecase.source.date}."
    yield ""
    glass = " An emergency may break the glass." if usecase.break_the_glass == "offered" else ""
    roles = ", ".join(usecase.user_roles)
    yield (
        f"Scope `{usecase.wire_scope}`, version {usecase.version}; roles {roles}; data category {usecase.data_category}; "
        f"{usecase.deadline_ms / 1000:g} s in all.{glass}"
    )
    yield ""
    yield from _example(usecase)
    for table in usecase.tables:
        yield from _table(usecase, table)


def _example(usecase: UseCase) -> Iterator[str]:
    if usecase.source.not_yet is not None:
        yield f"**Not usable yet.** {usecase.source.not_yet}"
        return
    table = usecase.tables[0]
    role, purpose = usecase.roles_of(table)[0], usecase.purposes[0]
    step = next(step for step in table.steps[1:] if step.tier == "handed_over")
    asked = plan_step(step, BOUND)[0]
    question = {
        "patient": {"system": BSN_SYSTEM, "value": CITIZEN},
        "user": {"identifier": "U-1001", "name": "J. Jansen", "role": role},
        "purpose": purpose,
    }
    yield "```"
    yield f"$ hazel ask {usecase.id} --user U-1001 --role {role} --purpose {purpose} < citizen-number.txt"
    yield "    patient   POST Patient/_search, the number in the body"
    yield f"    {step.id}   {asked.method} {asked.target}"
    yield "```"
    yield ""
    yield f"or `POST /internal/exchange/v1/SUBJECT/{usecase.id}` with:"
    yield ""
    yield "```json"
    yield json.dumps(question)
    yield "```"


def _table(usecase: UseCase, table: Table) -> Iterator[str]:
    yield ""
    yield f"**{table.title.en}** ({', '.join(table.asker_types)} ask {', '.join(table.holder_types)}; FHIR {table.fhir_version.upper()})"
    if table.legal_bases is not None:
        yield f"on the basis of {' or '.join(usecase.bases_of(table))}"
    yield ""
    yield "| Step | Asked | Let through too | Comes back |"
    yield "| --- | --- | --- | --- |"
    notes = []
    for step in table.steps:
        yield _step(step)
        if step.note is not None:
            notes.append(f"- `{step.id}`: {step.note}")
    for write in table.writes:
        yield f"| {write.title.en} (`{write.id}`) | `{write.request}` | | written |"
    if notes:
        yield ""
        yield from notes


def _step(step: Step) -> str:
    tier = " *on request*" if step.tier == "on_request" else ""
    others = "<br>".join(_code(request_line(step, each)) for each in step.accept)
    back = ", ".join(step.types.matched) + (f" with {', '.join(step.types.included)}" if step.types.included else "")
    return f"| {step.title.en} (`{step.id}`){tier} | {_code(request_line(step, step.alternatives[0]))} | {others} | {back} |"


def _code(line: str) -> str:
    return f"`{line}`".replace("|", "\\|")
