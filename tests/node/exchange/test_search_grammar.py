"""Requests made from the grammar of FHIR search: what gets through is what a naive reading of the file lists, and nothing else.

The model reads the YAML of the shipped files with a foreign reader and compares sets of text; it shares no code with the allow-list.
"""

from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from node.exchange.allowlist import AllowList, ByLogicalId, ByReference
from node.exchange.interaction import Interaction, NotAllowedError
from node.usecases.load import load_shipped

FORM = "application/x-www-form-urlencoded"
TABLES = {(loaded.usecase.id, table.id): table for loaded in load_shipped() for table in loaded.usecase.tables}
LISTS = {key: AllowList(table) for key, table in TABLES.items()}


@cache
def _file(usecase: str) -> Any:
    return yaml.load((resources.files("node.usecases") / f"{usecase}.yaml").read_text("utf-8"), yaml.BaseLoader)


def _naive_value(name: str, value: str) -> str:
    if name == "_sort":
        return value
    return ",".join(sorted(value.split(",")))


@cache
def _listed(usecase: str, table: str) -> frozenset[tuple[str, frozenset[tuple[str, str]]]]:
    """Every listed search about patient p1, as path and set of parameters; every listed read, as type."""
    found = set()
    for step in next(each for each in _file(usecase)["tables"] if each["id"] == table)["steps"]:
        path = step["request"].split(" ")[1].removesuffix("/_search")
        forms = [(path, step.get("send", []))]
        for each in step.get("accept", []):
            operation = each.get("operation", path.partition("/")[2])
            forms.append((path.partition("/")[0] + (f"/{operation}" if operation else ""), each["params"]))
        for asked, form in forms if "{" not in path else []:
            pairs = (line.replace("{patient}", "p1").partition("=") for line in form)
            found.add((asked, frozenset((name, _naive_value(name, value)) for name, _, value in pairs)))
        if "{" in path:
            found.add((path.partition("/")[0] + "/", frozenset()))
    return frozenset(found)


def _naively_allowed(usecase: str, table: str, path: str, pairs: list[tuple[str, str]]) -> bool:
    core = {(name, value) for name, value in pairs if (name, value) != ("_format", "json")}
    resource, _, rest = path.partition("/")
    if rest and not rest.startswith("$"):
        return rest in ("p1", "p2") and not core and (f"{resource}/", frozenset()) in _listed(usecase, table)
    if any("Patient/p1,p1" in value or ",p1" in value or "p1," in value for _, value in core):
        return False
    normal = {
        (name, _naive_value(name, "p1" if (name == "patient" and value in ("Patient/p1", "p2")) else value))
        for name, value in core
    }
    sized = {pair for pair in normal if pair != ("_count", "20")}
    return any((path, frozenset(each)) in _listed(usecase, table) for each in (normal, sized))


VALUES = st.sampled_from(
    [
        "p1", "Patient/p1", "p2", "p1,p2", "Patient/p1,Patient/p2", "https://other/fhir/Patient/p1", "x|y", "|y", "ge2020-01-01",
        "ne5", "a\\,b", "a$b", "*", "json", "xml", "20", "1000", "id", "true", "Observation:subject", "Patient:link",
        "http://snomed.info/sct|16076005", "medication", "active", "-date", "count",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "Patient",
        "Observation",
        "Encounter",
        "MedicationRequest",
        "AllergyIntolerance",
        "Flag",
        "Practitioner",
        "Binary",
        "Task",
    ]
)
NAMES = st.sampled_from(
    ["patient", "subject", "code", "category", "date", "_id", "_lastUpdated", "status", "type", "identifier.x"]
)
RESULT = st.sampled_from(
    [
        "_include", "_revinclude", "_include:iterate", "_sort", "_count", "_summary", "_elements", "_contained", "_format", "_filter",
        "_content", "_text", "_query", "_list", "_type", "_tag", "_security", "_profile", "_since", "_total", "_score", "_pretty",
    ]
)  # fmt: skip
MODIFIERS = st.sampled_from(
    ["", ":missing", ":exact", ":contains", ":not", ":in", ":below", ":identifier", ":Patient", ":above"]
)


@st.composite
def parameters(draw: st.DrawFn) -> tuple[str, str]:
    """One parameter: plain, with a modifier, chained, reversed, or of the result."""
    shape = draw(st.integers(0, 4))
    if shape == 0:
        name = draw(NAMES) + draw(MODIFIERS)
    elif shape == 1:
        name = f"{draw(NAMES)}.{draw(NAMES)}"
    elif shape == 2:
        name = f"{draw(NAMES)}:{draw(TYPES)}.{draw(NAMES)}"
    elif shape == 3:
        name = f"_has:{draw(TYPES)}:{draw(NAMES)}:{draw(NAMES)}"
    else:
        name = draw(RESULT)
    return name, draw(VALUES)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A path: type, read, operation, history, compartment."""
    resource = draw(TYPES)
    end = draw(
        st.sampled_from(
            [
                "",
                "",
                "",
                "/p1",
                "/p2",
                "/$lastn",
                "/$everything",
                "/p1/$everything",
                "/_history",
                "/p1/_history/1",
                "/p1/Observation",
            ]
        )
    )
    return resource + end


def _ask(key: tuple[str, str], path: str, pairs: list[tuple[str, str]], *, in_body: int, post: bool) -> Any:
    encoded = [f"{quote(name, safe=':')}={quote(value, safe='')}" for name, value in pairs]
    posted = post and path.isalpha()
    query, body = ("&".join(encoded[in_body:]), "&".join(encoded[:in_body])) if posted else ("&".join(encoded), "")
    asked = Interaction.parse(
        "POST" if posted else "GET",
        f"/{path}/_search" if posted else f"/{path}",
        query,
        FORM if posted else None,
        body.encode(),
        fhir_version=TABLES[key].fhir_version,
    )
    return LISTS[key].permit(asked)


def _check(key: tuple[str, str], path: str, pairs: list[tuple[str, str]], permitted: Any) -> None:
    assert _naively_allowed(*key, path, pairs)
    assert permitted.patient in (ByLogicalId(id="p1"), ByLogicalId(id="p2")) or isinstance(
        permitted.patient, ByReference
    )
    sent = [pair for pair in permitted.request.query if pair != ("_count", "20")]
    forwarded = {(name, "p1" if value == "p2" else _naive_value(name, value)) for name, value in sent}
    base = permitted.request.path.partition("/")[0] + "/" if permitted.step.kind == "read" else permitted.request.path
    assert (base, frozenset(forwarded)) in _listed(*key)


@settings(max_examples=400)
@given(
    st.sampled_from(sorted(TABLES)),
    paths(),
    st.lists(parameters(), max_size=4, unique=True),
    st.integers(0, 4),
    st.booleans(),
)
def test_what_is_made_from_the_grammar_gets_through_only_if_the_file_lists_it(
    key: tuple[str, str], path: str, pairs: list[tuple[str, str]], in_body: int, post: bool
) -> None:
    try:
        permitted = _ask(key, path, pairs, in_body=in_body, post=post)
    except NotAllowedError:
        assert not _naively_allowed(*key, path, pairs) or len({name for name, _ in pairs}) < len(pairs)
        return
    _check(key, path, pairs, permitted)


FORMS: list[tuple[tuple[str, str], str, list[tuple[str, str]]]] = [
    (key, path, sorted(pairs)) for key in sorted(TABLES) for path, pairs in sorted(_listed(*key), key=str) if pairs
]


@settings(max_examples=400)
@given(
    st.sampled_from([form for form in FORMS if not any("{bsn}" in value for _, value in form[2])]),
    st.lists(parameters(), max_size=2),
    st.integers(0, 6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_a_listed_search_gets_through_in_any_order_and_with_nothing_added(
    form: tuple[tuple[str, str], str, list[tuple[str, str]]],
    added: list[tuple[str, str]],
    in_body: int,
    post: bool,
    chance: Any,
) -> None:
    key, path, listed = form
    pairs = list(dict.fromkeys([*listed, *added]))
    chance.shuffle(pairs)
    try:
        permitted = _ask(key, path, pairs, in_body=in_body, post=post)
    except NotAllowedError:
        doubled = in_body and post and len({name for name, _ in pairs}) < len(pairs)
        assert doubled or not _naively_allowed(*key, path, pairs)
        return
    _check(key, path, pairs, permitted)
