"""Use case files, with a node and without."""

from importlib import resources
from pathlib import Path

import pytest

from credentials.keys import KeyId, SoftwareKey
from node.cli.main import main
from tests.node.cli.desk import Desk


def a_file(usecase_id: str) -> str:
    text = (resources.files("node.usecases") / "ha-vvt.yaml").read_text(encoding="utf-8")
    return text.replace("id: ha-vvt\n", f"id: {usecase_id}\n", 1).replace(
        "wire_scope: HuisartsVVTInzage", f"wire_scope: {usecase_id}", 1
    )


@pytest.fixture
def own(desk: Desk) -> Path:
    """A directory with a use case of our own."""
    directory = desk.directory / "usecases"
    directory.mkdir()
    (directory / "our-own.yaml").write_text(a_file("our-own"), encoding="utf-8")
    desk.write_config(more="usecase_directory: usecases\n")
    return directory


def test_use_cases_are_listed_with_what_is_on(desk: Desk, own: Path) -> None:
    ran = desk.run("usecase", "list")
    on = {line.split()[0]: line.split()[2] for line in ran.out.splitlines()[1:]}
    assert {name for name, state in on.items() if state == "yes"} == {"ha-vvt"}
    assert {"medication", "bgz", "our-own"} < set(on)
    listed = desk.run("usecase", "list", "--json").json["use_cases"]
    assert [one["id"] for one in listed if one["active"]] == ["ha-vvt"]


def test_use_cases_can_be_read_where_there_is_no_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HAZEL_CONFIG", raising=False)
    assert main(["usecase", "list"]) == 0
    assert "ha-vvt" in capsys.readouterr().out


def test_a_configuration_that_was_named_has_to_be_there(desk: Desk) -> None:
    assert desk.run("usecase", "list", "--config", desk.directory / "nope.yaml").code == 1


def test_a_use_case_is_shown_with_its_queries_and_what_is_let_through(desk: Desk) -> None:
    ran = desk.run("usecase", "show", "medication")
    assert ran.code == 0
    assert "asks, and lets through  POST Patient/_search | identifier=" in ran.out
    assert "lets through too        GET MedicationRequest?subject=Patient/{patient}" in ran.out
    assert desk.run("usecase", "show", "medication", "--json").json["tables"][0]["steps"]


def test_a_use_case_that_is_not_there_is_refused_with_those_there_are(desk: Desk) -> None:
    ran = desk.run("usecase", "show", "nope")
    assert (ran.code, "ha-vvt, lab, medication" in ran.err) == (1, True)


def test_a_file_in_order_is_said_to_be(desk: Desk, own: Path) -> None:
    ran = desk.run("usecase", "check", own / "our-own.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("our-own 1.0.0 is in order\nsha256:")
    assert desk.run("usecase", "check", own / "our-own.yaml", "--json").json["ok"] is True


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("wire_scope:", "wire_scop:", "did you mean wire_scope?"),
        ("deadline_ms: 30000", "deadline_ms: 999999", "deadline_ms"),
        ("GET Flag", "PUT Flag", "tables[0].steps[1]"),
    ],
)
def test_a_file_that_is_wrong_is_refused_at_its_place(
    desk: Desk, own: Path, before: str, after: str, said: str
) -> None:
    text = a_file("our-own")
    assert before in text
    (own / "our-own.yaml").write_text(text.replace(before, after, 1), encoding="utf-8")
    ran = desk.run("usecase", "check", own / "our-own.yaml")
    assert ran.code == 1
    assert said in ran.err
    refused = desk.run("usecase", "check", own / "our-own.yaml", "--json")
    assert (refused.code, refused.json["ok"]) == (1, False)


def test_every_mistake_is_told_with_its_line_and_what_to_do(desk: Desk, own: Path) -> None:
    text = a_file("our-own").replace("purposes: [TREAT]", "purposes: [FUN]", 1).replace("GET Flag", "PUT Flag", 1)
    (own / "our-own.yaml").write_text(text, encoding="utf-8")
    told = desk.run("usecase", "check", own / "our-own.yaml", "--json").json["mistakes"]
    assert [each["path"] for each in told] == ["purposes[0]", "tables[0].steps[1]"]
    assert all(each["line"] and each["remedy"] for each in told)
    line = text[: text.index("purposes: [FUN]")].count("\n") + 1
    assert f"our-own.yaml:{line}: purposes[0]" in desk.run("usecase", "check", own / "our-own.yaml").err


def test_what_a_file_would_change_is_shown_before_it_counts(desk: Desk, own: Path) -> None:
    text = a_file("ha-vvt").replace("wire_scope: ha-vvt", "wire_scope: HuisartsVVTInzage")
    text = text.replace("purposes: [TREAT]", "purposes: [TREAT, COC]", 1).replace(
        "      - id: alerts", "      - id: flags", 1
    )
    file = own / "ha-vvt.yaml"
    file.write_text(text, encoding="utf-8")
    ran = desk.run("usecase", "diff", file)
    assert ran.code == 0
    assert "~ purposes: [TREAT] -> [TREAT, COC]" in ran.out
    assert "- tables.gp-reads-home-care.steps.alerts" in ran.out
    assert "+ tables.gp-reads-home-care.steps.flags GET Flag?patient={patient}" in ran.out
    assert "! lets more than the shipped ha-vvt: purposes: COC is new" in ran.out
    told = desk.run("usecase", "diff", file, "--json").json
    assert told["wider_than_shipped"]
    assert {each["change"] for each in told["changes"]} == {"added", "removed", "changed"}
    new = desk.run("usecase", "diff", own / "our-own.yaml")
    assert "this use case is new here" in new.out


def test_a_signed_file_counts_for_who_trusts_the_key(desk: Desk, own: Path) -> None:
    key = SoftwareKey.generate(KeyId("signer"))
    (desk.directory / "key.pem").write_bytes(key.to_pem())
    ran = desk.run("usecase", "sign", own / "our-own.yaml", "--key", desk.directory / "key.pem")
    assert (ran.code, key.public.thumbprint() in ran.out) == (0, True)
    more = f"usecase_directory: usecases\ntrust:\n  anchors:\n    usecase_signers: [{key.public.thumbprint()}]\n"
    desk.write_config(more=more)
    text = desk.config.read_text().replace("usecases: [ha-vvt]", "usecases: [ha-vvt, our-own]", 1)
    desk.config.write_text(text)
    said = desk.run("config", "check").out + desk.run("config", "check").err
    assert "neither shipped, nor signed" not in said
    (own / "our-own.yaml.jws").unlink()
    said = desk.run("config", "check").out + desk.run("config", "check").err
    assert "neither shipped, nor signed" in said
    assert desk.run("usecase", "sign", own / "our-own.yaml", "--key", desk.directory / "nope.pem").code == 1


def test_the_schema_is_printed_for_editors(desk: Desk) -> None:
    assert desk.run("usecase", "schema").json["properties"]["tables"]


def test_a_presentation_definition_that_can_not_be_used_is_refused(desk: Desk, own: Path) -> None:
    text = a_file("our-own").replace('"$.issuer"', '"$..issuer"')
    assert "$..issuer" in text
    (own / "our-own.yaml").write_text(text, encoding="utf-8")
    ran = desk.run("usecase", "check", own / "our-own.yaml")
    assert (ran.code, "presentation_definitions" in ran.err) == (1, True)


@pytest.mark.parametrize("content", [b"", b"\xff", b"- a", b"x: &a 1\ny: *a"])
def test_any_file_is_in_order_or_refused(desk: Desk, content: bytes) -> None:
    file = desk.directory / "x.yaml"
    file.write_bytes(content)
    assert desk.run("usecase", "check", file).code == 1
    assert desk.run("usecase", "check", desk.directory / "nope.yaml").code == 1


def test_a_shipped_use_case_can_not_be_replaced_and_the_note_says_so(desk: Desk, own: Path) -> None:
    file = own / "ha-vvt.yaml"
    file.write_text(a_file("ha-vvt") + "# changed\n", encoding="utf-8")
    assert "another id" in desk.run("usecase", "check", file).err
    ran = desk.run("usecase", "list")
    assert (ran.code, "left out" in ran.err) == (0, True)


def test_a_broken_file_does_not_hide_the_others(desk: Desk, own: Path) -> None:
    (own / "broken.yaml").write_text("{")
    ran = desk.run("usecase", "list")
    assert ran.code == 0
    assert "broken.yaml" in ran.err
    assert "our-own" in ran.out
