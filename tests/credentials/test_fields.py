"""Strict JSON and typed reads."""

import time
from types import MappingProxyType

import pytest

from credentials.errors import MalformedError
from credentials.fields import MAX_INTEGER, MAX_JSON_VALUES, Fields, parse_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, -2.5, true, null, "x"]}', {"a": [1, -2.5, True, None, "x"]}),
        (b' "caf\xc3\xa9" ', "café"),
        ('"\\ud83d\\ude00"', "😀"),
        (str(MAX_INTEGER), MAX_INTEGER),
        (f"-{MAX_INTEGER}", -MAX_INTEGER),
        ("é".join('""'), "é"),
    ],
)
def test_json_is_read(text: str | bytes, value: object) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'"\t"', "not JSON"),
        (b'"\xff"', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        ('"\ud800"', "UTF-8"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b'{"a": 1, "a": 1}', "duplicate"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate"),
        (b'[{"b": {"a": 1, "a": 2}}]', "duplicate"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"-Infinity", "Infinity"),
        (b"1e999", "out of range"),
        (str(MAX_INTEGER + 1).encode(), "integer"),
        (b"1" * 5000, "integer"),
    ],
)
def test_json_that_others_would_read_differently_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_json(text)


def test_larger_than_allowed_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedError, match="larger than 4 bytes"):
        parse_json(b"[1,2]", max_bytes=4)


def test_nesting_is_counted_outside_texts_only() -> None:
    assert parse_json("[" * 32 + "]" * 32) is not None
    assert parse_json('["' + "[" * 100 + '\\"{{{"]') is not None
    assert parse_json("[" + ",".join("[]" for _ in range(100)) + "]") is not None
    with pytest.raises(MalformedError, match="deeper than 32"):
        parse_json("[" * 33 + "]" * 33)
    with pytest.raises(MalformedError, match="deeper than 1 "):
        parse_json('{"a": {"b": 1}}', max_depth=1)


@pytest.mark.parametrize("text", ["[" * 500_000, '{"a":' * 100_000, '"[', '["\\'])
def test_hopeless_nesting_neither_recurses_nor_succeeds(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_json(text)


def test_counting_the_nesting_takes_linear_time() -> None:
    hostile = "[" * 40 + '"' + '\\"' * 500_000
    started = time.thread_time()
    with pytest.raises(MalformedError):
        parse_json(hostile, max_bytes=len(hostile))
    assert time.thread_time() - started < 2


MANY = MAX_JSON_VALUES


@pytest.mark.parametrize(
    "text",
    [
        "[" + "1," * MANY + "1]",
        "[" + "[]," * MANY + "[]]",
        "[" + '{"":1},' * (MANY // 2) + "1]",
        '{"a":{' + ",".join(f'"{number}":1' for number in range(MANY)) + "}}",
        "[" + '"",' * MANY + '""]',
        "[" * 17 + '"":' * 300_000,
        '["\\\\",' + "1," * MANY + "1]",
    ],
)
def test_more_values_than_any_message_has_are_refused_before_they_are_read(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mebibyte of numbers takes up to half a second to read, in which nobody else is heard."""
    monkeypatch.setattr("credentials.fields._DECODER", None)
    with pytest.raises(MalformedError, match=f"more than {MANY} values"):
        parse_json(text)


def test_values_are_counted_outside_texts_only() -> None:
    exactly = "[" + "1," * (MANY - 2) + "1]"
    assert len(parse_json(exactly)) == MANY - 1
    with pytest.raises(MalformedError, match="values"):
        parse_json("[1," + exactly[1:])
    assert parse_json('["' + ",[{" * 300_000 + '"]')
    assert parse_json('["' + '\\",{' * 200_000 + '", 1]')
    texts = parse_json("{" + ",".join(f'"{number}":",[{{"' for number in range(MANY - 1)) + "}")
    assert len(texts) == MANY - 1


def test_who_expects_more_values_says_so() -> None:
    many = "[" + "1," * MANY + "1]"
    assert len(parse_json(many, max_values=2 * MANY)) == MANY + 1
    assert Fields.from_json(f'{{"many": {many}}}', max_values=2 * MANY).raw("many")
    assert parse_json("[1,2]", max_values=3) == [1, 2]
    with pytest.raises(MalformedError, match="more than 2 values"):
        parse_json("[1,2]", max_values=2)


FIELDS = Fields.from_json(
    b'{"text": "a", "empty": "", "texts": ["a", "b"], "none": [], "count": 3, "flag": true, "null": null,'
    b' "child": {"x": 1}, "children": [{"x": 1}, {"x": 2}], "mixed": ["a", 1], "negative": -1, "one": {"y": 1}}',
    what="thing",
)


def test_members_are_read_by_kind() -> None:
    assert FIELDS.text("text") == "a"
    assert FIELDS.text("empty") == ""
    assert FIELDS.optional_text("text") == "a"
    assert FIELDS.optional_text("null") is None
    assert FIELDS.optional_text("absent") is None
    assert FIELDS.texts("texts") == ("a", "b")
    assert FIELDS.texts("none") == ()
    assert FIELDS.optional_texts("texts") == ("a", "b")
    assert FIELDS.optional_texts("absent") == ()
    assert FIELDS.one_or_more_texts("text") == ("a",)
    assert FIELDS.one_or_more_texts("texts") == ("a", "b")
    assert FIELDS.count("count") == 3
    assert FIELDS.optional_count("count") == 3
    assert FIELDS.optional_count("absent") is None
    assert FIELDS.flag("flag") is True
    assert FIELDS.flag("absent", default=False) is False
    assert FIELDS.child("child").count("x") == 1
    assert FIELDS.optional_child("absent") is None
    assert FIELDS.optional_child("child") == FIELDS.child("child")
    assert [child.count("x") for child in FIELDS.children("children")] == [1, 2]
    assert [child.count("x") for child in FIELDS.one_or_more_children("children")] == [1, 2]
    assert [child.count("y") for child in FIELDS.one_or_more_children("one")] == [1]
    assert FIELDS.raw("count") == 3
    assert FIELDS.raw("absent", 7) == 7
    assert "text" in FIELDS.names()


@pytest.mark.parametrize(
    ("reader", "name", "reason"),
    [
        ("text", "absent", "thing: absent is missing"),
        ("text", "count", "thing: count is not a text"),
        ("optional_text", "count", "not a text"),
        ("texts", "text", "not an array of texts"),
        ("texts", "mixed", "not an array of texts"),
        ("optional_texts", "mixed", "not an array of texts"),
        ("one_or_more_texts", "none", "not at least one text"),
        ("one_or_more_texts", "count", "not an array of texts"),
        ("count", "flag", "not a whole number"),
        ("count", "negative", "not a whole number"),
        ("optional_count", "text", "not a whole number"),
        ("flag", "absent", "missing"),
        ("flag", "count", "not true or false"),
        ("child", "text", "thing.text is not an object"),
        ("child", "absent", "not an object"),
        ("optional_child", "texts", "not an object"),
        ("children", "child", "not an array of objects"),
        ("children", "texts", r"thing.texts\[0\] is not an object"),
        ("one_or_more_children", "none", "not at least one object"),
        ("one_or_more_children", "text", "not an object"),
    ],
)
def test_a_member_of_another_kind_is_named(reader: str, name: str, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        getattr(FIELDS, reader)(name)


def test_only_objects_have_fields() -> None:
    assert Fields.of(MappingProxyType({"a": "b"}), "thing").text("a") == "b"
    with pytest.raises(MalformedError, match="thing is not an object"):
        Fields.of([], "thing")
