"""A nuts-node's policy directory loads as it is: its scopes get tokens here, and no query."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.usecases.book import UseCaseBook
from node.usecases.load import UseCaseError, load_shipped
from node.usecases.policies import load_policies, parse_policies

ANCHORS = {"uzi": ["A" * 43]}


def _definition(name: str) -> dict[str, Any]:
    fields = [{"path": ["$.type"], "filter": {"type": "string", "const": "NutsOrganizationCredential"}}]
    return {"id": name, "name": name, "input_descriptors": [{"id": "1", "constraints": {"fields": fields}}]}


def _write(folder: Path, name: str, value: Any) -> None:
    (folder / name).write_text(json.dumps(value), encoding="utf-8")


def test_the_form_of_the_released_node_and_that_of_its_master_load(tmp_path: Path) -> None:
    _write(tmp_path, "a.json", {"test": {"organization": _definition("o"), "user": _definition("u")}})
    _write(
        tmp_path,
        "b.json",
        {
            "lsp": {
                "organization": _definition("o"),
                "service_provider": _definition("s"),
                "scope_policy": "dynamic",
            }
        },
    )
    _write(tmp_path, "ignored.txt", {})
    found = {policy.scope: policy for policy in load_policies(tmp_path)}
    assert sorted(found["test"].definitions) == ["organization", "user"]
    assert sorted(found["lsp"].definitions) == ["organization", "service_provider"]
    assert (found["test"].scope_policy, found["lsp"].scope_policy) == ("profile-only", "dynamic")


def test_its_scopes_get_definitions_but_no_queries(tmp_path: Path) -> None:
    _write(tmp_path, "a.json", {"test": {"organization": _definition("o"), "scope_policy": "passthrough"}})
    book = UseCaseBook(load_shipped(), ANCHORS, policies=load_policies(tmp_path))
    assert book.definitions["test"]["organization"].id == "o"
    assert book.scope_policies["test"] == "passthrough"
    assert book.scope_policies["HuisartsVVTInzage"] == "profile-only"
    assert book.by_scope("test") is None


def test_a_scope_has_one_meaning(tmp_path: Path) -> None:
    _write(tmp_path, "a.json", {"test": {"organization": _definition("o")}})
    _write(tmp_path, "b.json", {"test": {"organization": _definition("o")}})
    with pytest.raises(UseCaseError, match=r"a\.json as well"):
        load_policies(tmp_path)
    policies = parse_policies(json.dumps({"HuisartsVVTInzage": {"organization": _definition("o")}}).encode(), "x")
    with pytest.raises(ValueError, match="wire scope"):
        UseCaseBook(load_shipped(), ANCHORS, policies=policies)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"a": 1},
        {"a": {}},
        {"a": {"scope_policy": "dynamic"}},
        {"a": {"organization": {}}},
        {"a": {"organization": _definition("o"), "scope_policy": "anything"}},
        {"a": {"organization": _definition("o"), "elsewhere": _definition("e")}},
        {"a b": {"organization": _definition("o")}},
        {"": {"organization": _definition("o")}},
        {"é": {"organization": _definition("o")}},
        {str(n): {"organization": _definition("o")} for n in range(201)},
    ],
)
def test_what_is_no_policy_is_refused(value: Any) -> None:
    with pytest.raises(UseCaseError):
        parse_policies(json.dumps(value).encode(), "x.json")


def test_a_member_twice_is_refused() -> None:
    with pytest.raises(UseCaseError, match="twice"):
        parse_policies(b'{"a": {}, "a": {}}', "x.json")


@given(st.binary(max_size=200))
def test_any_bytes_give_policies_or_the_one_error(body: bytes) -> None:
    try:
        assert isinstance(parse_policies(body, "x.json"), tuple)
    except UseCaseError:
        return
