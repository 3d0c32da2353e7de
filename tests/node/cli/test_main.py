"""Arguments in, exit code out."""

import argparse
import io
import sys
from collections.abc import Iterator

import pytest

from node.cli.main import THINGS, Parser, describe_thing, main
from node.ports import PeerError
from node.version import VERSION
from tests.node.cli.desk import BSN, Desk


def test_help_and_version_are_not_failures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0
    assert f"hazel {VERSION}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [[], ["nope"], ["audit"], ["audit", "nope"], ["status", "--nope"], ["ask"], ["ask", "ha-vvt", "--js"]]
)
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    assert main(words) == 2


@pytest.mark.parametrize("fingerprint", ["-" + "a" * 42, "--" + "a" * 41, "a" * 43])
def test_a_fingerprint_may_begin_with_a_dash(fingerprint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[list[str]] = []

    def run(parsed: argparse.Namespace) -> int:
        taken.append(parsed.trust_uzi)
        return 0

    def add_parser(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--trust-uzi", action="append")
        parser.set_defaults(run=run)

    monkeypatch.setattr("node.cli.init.add_parser", add_parser)
    assert main(["init", "--trust-uzi", fingerprint, "--trust-uzi", fingerprint]) == 0
    assert taken == [[fingerprint, fingerprint]]
    assert main(["init", "--trust-uzi", "--trust-uzi"]) == 2


def test_a_citizen_number_among_the_arguments_is_refused_and_not_repeated(desk: Desk) -> None:
    ran = desk.run("ask", "ha-vvt", BSN)
    assert ran.code == 2
    assert BSN not in ran.out + ran.err
    assert "standard input" in ran.err


@pytest.mark.parametrize("thing", THINGS)
def test_every_thing_describes_its_commands(thing: str) -> None:
    parser = Parser(prog="hazel")
    describe_thing(thing, parser)
    assert parser.format_help()


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    verbs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not verbs:
        yield parser
    for action in verbs:
        for verb in action.choices.values():
            yield from _commands(verb)


@pytest.mark.parametrize("thing", THINGS)
def test_every_argument_is_explained_and_nothing_is_abbreviated(thing: str) -> None:
    parser = Parser(prog=f"hazel {thing}", allow_abbrev=False)
    describe_thing(thing, parser)
    for command in _commands(parser):
        assert command.get_default("run") is not None
        assert not command.allow_abbrev
        for action in command._actions:
            if action.option_strings:
                assert action.help or action.required, f"{command.prog} {action.option_strings}"


def test_a_configuration_that_is_not_there_is_told_with_what_to_do(desk: Desk) -> None:
    ran = desk.run("status", "--config", desk.directory / "other.yaml")
    assert ran.code == 1
    assert "there is no" in ran.err
    assert "hazel init" in ran.err
    assert ran.out == ""


def test_where_an_error_comes_from_is_shown_to_who_asks(desk: Desk) -> None:
    assert "Traceback" not in desk.run("status").err
    assert "Traceback" in desk.run("-v", "status").err


def test_a_peer_that_can_not_be_reached_ends_with_3(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise PeerError("tls", "https://oever.example:443")

    monkeypatch.setattr("node.cli.status.with_node", broken)
    ran = desk.run("status")
    assert (ran.code, "https://oever.example:443: tls" in ran.err) == (3, True)


def test_stopping_a_command_leaves_no_traceback(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("node.cli.status.with_node", interrupted)
    assert desk.run("status").code == 1


def test_a_reader_that_goes_away_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["config", "docs"]) == 1
    sys.stdout.close()  # what the command put in its place
