"""The configuration file: what is read, and how its mistakes are told."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.config.load import ConfigError, load_config, parse_config
from node.config.text_yaml import YamlError, read_text_yaml

GOOD = """
organisation: {name: Praktijk De Proef, city: Gouda, ura: 00000101, subject: proef, facility_type: Z3}
url: https://proef.example/
public: {address: "0.0.0.0:8443"}
fhir:
  r4: {url: http://127.0.0.1:9000/r4/}
usecases: [ha-vvt]
"""


def from_text(text: str) -> Any:
    return parse_config(read_text_yaml(text), Path("/etc/hazel"))


def test_a_good_file_gives_a_frozen_value_with_absolute_paths(tmp_path: Path) -> None:
    file = tmp_path / "hazel.yaml"
    file.write_text(GOOD, encoding="utf-8")
    config = load_config(file)
    assert config.organisation.ura == "00000101"
    assert config.url == "https://proef.example"
    assert config.data == tmp_path / "data"
    assert config.fhir["r4"].url == "http://127.0.0.1:9000/r4"
    assert config.public.host_port == ("0.0.0.0", 8443)
    assert config.unsafe == ()


def test_trust_anchors_have_names_and_may_be_of_one_use_case() -> None:
    one, two, three = "A" * 43, "B" * 43, "C" * 43
    trust = from_text(
        GOOD + f"trust: {{uzi: [{one}], anchors: {{dezi: [{two}]}}, usecases: {{ha-vvt: {{uzi: [{three}, {one}]}}}}}}"
    ).trust
    assert trust.of_usecase("medication") == {"uzi": (one,), "dezi": (two,)}
    assert trust.of_usecase("ha-vvt") == {"uzi": (three, one), "dezi": (two,)}


def test_unsafe_settings_are_listed_by_name() -> None:
    assert from_text(GOOD + "unsafe_loopback_peers: true\n").unsafe == ("unsafe_loopback_peers",)


@pytest.mark.parametrize(
    ("text", "path", "hint"),
    [
        (GOOD + "usecase: [x]", "usecase", "usecases"),
        (GOOD.replace("ura: 00000101", "ura: 101"), "organisation.ura", ""),
        (GOOD.replace("https://proef", "http://proef"), "url", "https"),
        (GOOD.replace("https://proef.example/", "https://proef.example/?x=1"), "url", "query"),
        (GOOD.replace('"0.0.0.0:8443"', "8443"), "public.address", "host:port"),
        (GOOD.replace('"0.0.0.0:8443"', '"0.0.0.0:99999"'), "public.address", "host:port"),
        (GOOD.replace('"0.0.0.0:8443"', '"0.0.0.0:1", tls_key: x'), "public", "together"),
        (GOOD.replace("r4:", "r5:"), "fhir.r5", ""),
        (GOOD + "limits: {step_ms: soon}", "limits.step_ms", ""),
        (GOOD + "limits: {stepms: 5}", "limits.stepms", "step_ms"),
        (GOOD + "trust: {anchors: {dezi: [x]}}", "trust.anchors.dezi.0", ""),
        (GOOD + "trust: {usecases: {ha-vvt: {UZI: []}}}", "trust.usecases.ha-vvt.UZI.[key]", ""),
        (GOOD + "pki: {deny_list: https://deny.example/list}", "pki", "together"),
        (GOOD + "pki: {deny_list: http://deny.example/list, deny_list_key: x}", "pki.deny_list", "https"),
        ("- a", "", "mapping"),
    ],
)
def test_a_mistake_names_the_dotted_path_and_helps(text: str, path: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_text(text)
    assert caught.value.path.startswith(path)
    assert hint in f"{caught.value.message} {caught.value.remedy}"


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "hazel.yaml")
    assert "hazel init" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("text", "value"), [("no", "no"), ("01.015", "01.015"), ("1:30", "1:30"), ("", None), ("~", None)]
)
def test_scalars_stay_text(text: str, value: str | None) -> None:
    assert read_text_yaml(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: &x 1\nb: *x",
        "a: !!python/object:os.system x",
        "a: !mine x",
        "a: !!set {b, c}",
        "!!omap [a: 1]",
        "a: {~: 1, ~: 2}",
        "{[a]: b}",
        "a: [",
        "a: 1\n---\nb: 2",
        "[" * 2000,
    ],
)
def test_what_yaml_hides_is_refused(text: str) -> None:
    with pytest.raises(YamlError):
        read_text_yaml(text)


@given(st.text(max_size=200) | st.text(alphabet="a:-[]{}&*!|> \n'\"#?,%@`", max_size=60))
def test_any_text_is_a_value_or_one_error(text: str) -> None:
    with contextlib.suppress(YamlError):
        read_text_yaml(text)
