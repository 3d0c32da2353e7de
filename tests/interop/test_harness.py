"""What ``make interop`` is made of, without a nuts-node."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from credentials.encoding import b64url_decode, b64url_encode
from credentials.query.definition import PresentationDefinition
from examples.region.free_ports import FreePorts
from examples.region.processes import ROOT
from node.usecases.load import load_chosen
from registry.service import ServiceDefinition
from tests.interop.agreements import AT_HAZEL, AT_HAZEL_LDP, AT_NUTS, AT_NUTS_LDP, Agreements
from tests.interop.altering import altered_credential
from tests.interop.authority import HOST, make_tls
from tests.interop.likeness import differences, shape
from tests.interop.results import keep, kept_results, page, result_of
from tests.interop.step import Outcome
from tests.interop.tls_front import tls_front
from tests.interop.vendor import Reply
from tests.interop.walk import STEPS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AGREED = Agreements(uzi_root="A" * 43, hazel="https://localhost:1", nuts="https://localhost:2")


def an_outcome(step: str = STEPS[0].id, acting: str = "Hazel", said: str = "1 key") -> Outcome:
    return Outcome(step=step, acting=acting, state="ok", said=said)


def run_command(binary: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "NUTS_NODE"}
    if binary is not None:
        environment["NUTS_NODE"] = binary
    return subprocess.run(
        [sys.executable, "-m", "tests.interop"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_without_a_binary_the_command_says_what_is_missing() -> None:
    ended = run_command(None)
    assert ended.returncode == 2
    assert "make interop NUTS_NODE=path/to/binary" in ended.stderr


def test_a_path_that_is_no_program_is_refused(tmp_path: Path) -> None:
    assert run_command(str(tmp_path)).returncode == 2
    assert run_command(str(tmp_path / "nuts")).returncode == 2


async def test_the_front_passes_on_what_was_said_and_ends_with_its_block(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readexactly(5)).upper())
        await writer.drain()
        writer.close()

    files = make_tls(tmp_path / "tls", now=datetime.now(UTC))
    ports = FreePorts()
    port = ports.take(22_443)
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with server, tls_front(port, server.sockets[0].getsockname()[1], files):
            context = ssl.create_default_context(cafile=str(files.authority))
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=HOST)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"HELLO"
            writer.close()
            await writer.wait_closed()
        with pytest.raises(OSError, match=r".*"):
            await asyncio.open_connection("127.0.0.1", port)
    finally:
        ports.release()


def test_both_nodes_can_read_what_was_agreed(tmp_path: Path) -> None:
    services = {file.stem: ServiceDefinition.parse(file.read_bytes()) for file in AGREED.write_services(tmp_path / "d")}
    assert set(services) == {AT_HAZEL, AT_HAZEL_LDP, AT_NUTS, AT_NUTS_LDP}
    names = AGREED.write_usecases(tmp_path / "usecases")
    loaded = load_chosen(names, tmp_path / "usecases")
    AGREED.write_policy(tmp_path / "policy")
    policy = json.loads((tmp_path / "policy/policy.json").read_bytes())
    for each in loaded:
        ours = each.usecase.fill_trust_anchors({})
        assert ours == policy[each.usecase.wire_scope]
        PresentationDefinition.parse(ours["organization"])


def test_an_altered_credential_differs_in_the_name_alone() -> None:
    credential = {"credentialSubject": {"organization": {"name": "Apotheek De Gouwe", "city": "Gouda"}}}
    altered = altered_credential(credential)
    assert altered["credentialSubject"]["organization"] == {"name": "Apotheek De Guowe", "city": "Gouda"}
    assert credential["credentialSubject"]["organization"]["name"] == "Apotheek De Gouwe"


def test_an_altered_jwt_keeps_its_signature_and_changes_its_payload() -> None:
    payload = b64url_encode(b'{"name":"De Gouwe"}')
    header, altered, signature = altered_credential(f"e30.{payload}.c2ln").split(".")
    assert (header, b64url_decode(altered), signature) == ("e30", b'{"name":"De Guowe"}', "c2ln")


def test_shapes_are_compared_and_not_values() -> None:
    theirs = [{"id": "a", "vp": [], "fields": {"x": 1}}, {"id": "b", "note": None}]
    assert (
        differences(
            shape(theirs), shape([{"id": "c", "vp": ["d"], "fields": {"x": 2.5}, "note": None}]), more=frozenset()
        )
        == []
    )
    found = differences(
        shape(theirs), shape([{"id": 1, "vp": {}, "fields": {}, "more": 1}]), more=frozenset({"[].more"})
    )
    assert found == [
        "[].fields.x is missing",
        "[].id is number, not text",
        "[].note is missing",
        "[].vp is dict, not list",
    ]


def test_an_empty_list_may_be_null_and_names_that_are_data_are_no_members() -> None:
    assert differences(shape(None), shape([]), more=frozenset()) == []
    assert differences(shape({"did:web:a": 1}), shape({"did:web:b": 2}), more=frozenset()) == []


def test_a_divergence_that_is_listed_leaves_nothing_to_mend_and_is_counted_apart() -> None:
    listed = Outcome(step=STEPS[0].id, acting="Hazel", state="listed", said="the status is 404, not 409")
    result = result_of([listed, an_outcome(acting="nuts-node")], hazel="1", nuts_node="v6", now=NOW)
    assert result.held
    assert result.count == "1 of 2 hold, 1 differ as listed"
    assert "What does not hold" not in page([result], STEPS)


def test_words_of_a_reply_are_those_of_its_problem() -> None:
    assert Reply(400, {"detail": "no"}).words == "400 no"
    assert Reply(404, "nothing").words == "404 nothing"


def test_steps_have_names_of_their_own_and_need_earlier_ones() -> None:
    seen: set[str] = set()
    for step in STEPS:
        assert step.id not in seen
        assert set(step.needs) <= seen
        seen.add(step.id)


def test_what_is_kept_of_a_run_names_no_port_and_no_identifier(tmp_path: Path) -> None:
    said = "did:web:localhost%3A2143:iam:0b9f1de1-9e2c-4f3a-8d6f-0123456789ab\n at https://localhost:2143/x"
    kept = result_of([an_outcome(said=said)], hazel="1", nuts_node="master abc1234", now=NOW)
    assert kept.outcomes[0].said == "did:web:localhost:iam:… at https://localhost/x"
    keep(kept, tmp_path)
    keep(result_of([an_outcome(acting="nuts-node")], hazel="1", nuts_node="v6.2.10", now=NOW), tmp_path)
    assert [each.nuts_node for each in kept_results(tmp_path)] == ["v6.2.10", "master abc1234"]
    assert kept_results(tmp_path)[1] == kept


def test_the_page_says_what_did_not_hold() -> None:
    failed = Outcome(step=STEPS[0].id, acting="Hazel", state="failed", said="no key")
    text = page([result_of([failed], hazel="1", nuts_node="v6", now=NOW)], STEPS)
    assert "0 of 1 hold" in text
    assert f"- **{STEPS[0].id}**, Hazel acting, v6: no key" in text
