"""The operator's own credential types are files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from credentials.types.catalogue import CredentialTypes
from node.issuing.type_files import MAX_FILES, TypeFileError, load_types
from tests.node.vendor.setting import VCR, a_vendor_node, organization

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "OwnCredential",
    "properties": {"credentialSubject": {"required": ["level"], "properties": {"level": {"enum": ["a", "b"]}}}},
}


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


async def test_a_file_adds_a_type_that_issuing_is_held_to(tmp_path: Path) -> None:
    (tmp_path / "types").mkdir()
    types = load_types(write(tmp_path / "types", "OwnCredential.json", json.dumps(SCHEMA)))
    async with a_vendor_node(tmp_path, types) as node:
        did = await node.found("gouwe")
        for level, status in (("a", 200), ("c", 400), (None, 400)):
            subject = {"id": did} if level is None else {"id": did, "level": level}
            body = organization(did, did, type="OwnCredential", credentialSubject=subject)
            assert (await node.call("POST", f"{VCR}/issuer/vc", body)).status == status


async def test_the_schema_in_the_page_about_credentials_adds_its_type(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/credentials.md").read_text(encoding="utf-8")
    section = page.partition("## Your own credential type")[2].partition("\n## ")[0]
    schema = section.partition("```json\n")[2].partition("```")[0]
    claims = dict(each.split("=") for each in re.findall(r"--claim (\S+=[A-Z0-9-]+)", section))
    assert "`credential_types: types`" in section
    (tmp_path / "types").mkdir()
    types = load_types(write(tmp_path / "types", "TrainingCredential.json", schema))
    async with a_vendor_node(tmp_path, types) as node:
        did = await node.found("gouwe")
        body = organization(did, did, type="TrainingCredential", credentialSubject={"id": did, **claims})
        assert (await node.call("POST", f"{VCR}/issuer/vc", body)).status == 200
        body["credentialSubject"]["course"] = "aed"
        refused = await node.call("POST", f"{VCR}/issuer/vc", body)
    assert refused.status == 400
    assert "(Code of the course, for example AED-2)" in refused.body["detail"]


def test_without_a_directory_only_the_shipped_types_have_schemas() -> None:
    assert load_types(None).names == CredentialTypes().names


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Own Credential.json", json.dumps(SCHEMA), "not the name of a type"),
        ("OwnCredential.json", "{", "JSON"),
        ("OtherCredential.json", json.dumps(SCHEMA), "title of the schema is not OtherCredential"),
        ("X509Credential.json", json.dumps(SCHEMA), "can not be replaced"),
        ("OwnCredential.json", " " * 70_000, "larger"),
    ],
)
def test_a_file_that_can_not_be_used_is_named_with_the_remedy(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(TypeFileError, match=message) as refused:
        load_types(write(tmp_path, name, text))
    assert name in str(refused.value)
    assert "mend or remove" in refused.value.remedy


def test_a_directory_that_is_not_there_or_too_full_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeFileError, match="can not be read"):
        load_types(tmp_path / "nothing")
    (tmp_path / "A.json").mkdir()
    with pytest.raises(TypeFileError, match="can not be read"):
        load_types(tmp_path)
    for number in range(MAX_FILES):
        write(tmp_path, f"B{number}.json", "")
    with pytest.raises(TypeFileError, match="more than 200 files"):
        load_types(tmp_path)
