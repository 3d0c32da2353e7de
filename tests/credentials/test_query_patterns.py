import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from credentials.errors import MalformedError
from credentials.query.patterns import MAX_PATTERN_LENGTH, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "captured"),
    [
        ("b+", "abbc", "bb"),  # no group: what matched, anywhere in the text
        (r"^[0-9.]+-\d+-\d+-S-(\d+)-00\.000-\d+$", "2.16.528.1.1007.99.2110-1-0-S-00001-00.000-0", "00001"),
        (r"(?:a|b)(c)", "xbc", "c"),
        (r"(?<year>\d{4})", "in 2026", "2026"),
        ("a|(b)", "a", ""),  # the group took no part
        ("x*", "", ""),
        (r"\u0041\u00e9", "xAé", "Aé"),
        (r"\uD83D\uDE00", "a😀", "😀"),
        (r"[\uD83D\uDE00-\uD83D\uDE02]", "😁", "😁"),
        (r"\x41\cA\t\n\v\f\r\0", "A\x01\t\n\v\f\r\0", "A\x01\t\n\v\f\r\0"),
        (r"^\s+$", "\t \u00a0\u2028\ufeff\u3000", "\t \u00a0\u2028\ufeff\u3000"),
        (r"^[\s]$", "\u2003", "\u2003"),
        (r"\S", "\u00a0x", "x"),
        (r"^[\S]$", "\u180e", "\u180e"),
        ("^.$", "é", "é"),
        ("^[^]$", "\n", "\n"),
        ("[b-d]+", "abcde", "bcd"),
        ("[-a]+", "x-a", "-a"),
        ("[a-]+", "x-a", "-a"),
        (r"[\w-.]+", "!a-b.c!", "a-b.c"),  # beside a class, "-" is itself
        (r"[a-\d]+", "xa-1", "a-1"),
        (r"[\d-x]+", "a3-x", "3-x"),
        (r"[\b]", "\x08", "\x08"),
        (r"[\]\\]+", "x]\\", "]\\"),
        (r"[.+*?^$()|{}[/]+", "a.+*?^$()|{}[/", ".+*?^$()|{}[/"),
        (r"\bcat\b", "a cat!", "cat"),
        (r"\Bat", "cat", "at"),
        (r"a{2}", "aaa", "aa"),
        (r"a{2,}", "aaa", "aaa"),
        (r"a{1,2}?", "aaa", "a"),
        (r"a+?", "aaa", "a"),
        ("a{,2}", "a{,2}", "a{,2}"),  # not a count in ECMAScript
        ("{x]}", "{x]}", "{x]}"),
        (r"\/\.\-", "/.-", "/.-"),
        ("a\nb", "a\nb", "a\nb"),
        ("Zürich", "in Zürich", "Zürich"),
        ("()", "x", ""),
    ],
)
def test_ecmascript_means_the_same_on_re2(pattern: str, text: str, captured: str) -> None:
    assert compile_pattern(pattern).search(text) == captured


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\d+$", "12345678\n"),  # $ is the end, not before a last line break
        (r"^\d+$", "١٢٣"),  # digits are ASCII
        (r"^\w$", "é"),
        ("^.$", "\n"),
        ("^.$", "\u2028"),
        ("[]", "anything"),
        (r"^[^\s]$", "\u00a0"),
        ("A", "a"),
        (r"^\S$", " "),
    ],
)
def test_what_must_not_match_does_not(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).search(text) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)", "look-around"),
        ("(?!a)", "look-around"),
        ("(?<=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        (r"(a)\1", "back-reference"),
        (r"(?<n>a)\k<n>", "back-reference"),
        ("a{1001}", "repeats more than 1000"),
        ("a{1,1001}", "repeats more than 1000"),
        ("a{" + "9" * 900 + "}", "repeats more than 1000"),
        ("((?:a{100}){100})", "invalid repetition size"),
        ("a{3,2}", "out of order"),
        ("[z-a]", "out of order"),
        ("(a)(b)", "more than one capture group"),
        ("(", "unclosed group"),
        (")", "unopened group"),
        ("[a", "unclosed bracket"),
        ("[a-", "unclosed bracket"),
        ("[^", "unclosed bracket"),
        ("a\\", "ends in a backslash"),
        ("[\\", "ends in a backslash"),
        ("*", "nothing to repeat"),
        ("a**", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        (r"\b+", "nothing to repeat"),
        ("(*)", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("(?i)a", "unknown kind of group"),
        ("(?P<n>a)", "unknown kind of group"),
        (r"\p{L}", "without a meaning"),
        (r"\z", "without a meaning"),
        (r"\Qa", "without a meaning"),
        (r"\_", "without a meaning"),
        (r"\é", "without a meaning"),
        (r"\01", "without a meaning"),
        (r"[\1]", "without a meaning"),
        (r"\c", r"\c without a letter"),
        (r"\c1", r"\c without a letter"),
        (r"\u12", "4 hexadecimal"),
        (r"\u{41}", "4 hexadecimal"),
        (r"\xg1", "2 hexadecimal"),
        (r"\uD83D", "surrogate"),
        (r"\uDE00", "surrogate"),
        (r"\uD83D\u0041", "surrogate"),
        ("\ud800", "surrogate"),
        ("[\ud800]", "surrogate"),
        ("a" * (MAX_PATTERN_LENGTH + 1), "longer than"),
        (r"(?:.{1,30}){33}" * 5, "too complex"),
    ],
)
def test_what_has_no_linear_form_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason.replace("\\", "\\\\")):
        compile_pattern(pattern)


def test_text_that_is_no_unicode_matches_nothing() -> None:
    assert compile_pattern("a").search("a\ud800") is None


@given(st.text(max_size=40) | st.text(alphabet="()[]{}|*+?^$.\\-,09azAZu:=!<>DdWwSsb", max_size=24))
@example("(?")
@example("[\\")
def test_any_text_compiles_or_is_malformed(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except MalformedError:
        return
    found = compiled.search("abc 123")
    assert found is None or isinstance(found, str)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12), st.text(max_size=12))
def test_an_escaped_text_finds_itself(text: str, around: str) -> None:
    escaped = "".join(f"\\u{unit:04x}" for unit in _utf16(text))
    around = around.encode("utf-8", "ignore").decode()
    assert compile_pattern(escaped).search(around + text + around) == text


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]


@pytest.mark.spec("WIRE §4.8 (11)")
def test_the_pattern_that_stops_a_nuts_node_for_minutes_is_harmless() -> None:
    pattern = compile_pattern("^(?:([a-z0-9:%#-])+)+$!")
    started = time.perf_counter()
    assert pattern.search("did:web:node.example:iam:" + "a" * 100_000) is None
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("pattern", "piece"),
    [
        ("(a+)+$", "a"),
        ("^(?:a|aa)+$", "a"),
        ("^(?:a|a?)+$", "a"),
        ("(?:.*a){12}", "a"),
        ("^(?:[a-z]+)*$", "a"),
        ("^(?:(?:[a-z])+.)+[A-Z](?:[a-z])+$", "a"),
        (r"^(?:\w+\s?)*$", "a "),
        (r"^(?:[0-9a-zA-Z](?:[-.\w]*[0-9a-zA-Z])*@)+$", "a"),
        ("(?:x+x+)+y", "x"),
        ("a*a*a*a*a*a*a*a*b", "a"),
        ("(?:.*,){20}!", ","),
        ("^.*(?:.*.*)*x$", "a"),
    ],
)
def test_patterns_that_backtrack_elsewhere_end_in_linear_time(pattern: str, piece: str) -> None:
    compiled = compile_pattern(pattern)
    compiled.search(f"{piece * 20}")  # warm

    def seconds(pieces: int) -> float:
        text = f"{piece * pieces}\N{BULLET}"  # what makes the end not fit, so that everything would be tried
        began = time.thread_time()
        assert compiled.search(text) is None or "$" not in pattern
        return time.thread_time() - began

    short, long = min(seconds(2_000) for _ in range(3)), min(seconds(40_000) for _ in range(3))
    assert long < 0.25, "a backtracking engine is not done with forty of them in a day"
    assert long < 200 * max(short, 0.0001), "twenty times the text, about twenty times the work"
