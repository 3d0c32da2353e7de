"""What reaches a terminal."""

import pytest

from node.cli.output import members, pick, printable, show, show_pairs, show_table, word


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Huisartsenpraktijk De Gouwe", "Huisartsenpraktijk De Gouwe"),
        ("Aïcha €3 °C", "Aïcha €3 °C"),
        ("\x1b[2Jgone\x07", "\ufffd[2Jgone\ufffd"),
        ("a\nb\tc\r", "a b c "),
        ("\u202ereversed\u202c", "\ufffdreversed\ufffd"),
        ("\x9b31m\u2028", "\ufffd31m\ufffd"),
        ("\ud800", "\ufffd"),
    ],
)
def test_nothing_that_a_terminal_obeys_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_table_has_straight_columns_also_with_hostile_cells(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("A", "B"), [("x\x1b", "1"), ("longer", "2")])
    assert capsys.readouterr().out == "A       B\nx\ufffd      1\nlonger  2\n"


def test_pairs_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    show_pairs([("name", "x"), ("empty", ""), ("none", "-"), ("longer name", "y")])
    show_pairs([])
    assert capsys.readouterr().out == "name         x\nlonger name  y\n"


def test_data_of_any_shape_can_be_looked_into() -> None:
    value = {"a": [{"b": "c"}], "n": 0, "t": True, "e": "", "l": [1, "x"], "o": {"k": 1}}
    assert pick(value, "a", 0, "b") == "c"
    for path in (("a", "b"), ("a", 1), ("n", "x"), ("x", "y"), ("a", 0, 0)):
        assert pick(value, *path) is None
    assert [word(value, name) for name in ("n", "t", "e", "l", "o", "x")] == ["0", "yes", "-", "1, x", '{"k": 1}', "-"]
    assert members(value, "a") == [{"b": "c"}]
    assert members(value, "n") == []


def test_a_line_ends_where_its_text_ends(capsys: pytest.CaptureFixture[str]) -> None:
    show("text   ")
    assert capsys.readouterr().out == "text\n"
