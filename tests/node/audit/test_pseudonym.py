"""Citizen numbers in texts: found, hidden, and not seen where they are not."""

import pytest

from node.audit.pseudonym import holds_bsn, redact_bsn


@pytest.mark.parametrize("text", ["999990135", "bsn|999990135", "a999990135b", "1, 999990135, 2"])
def test_a_citizen_number_is_found_and_hidden(text: str) -> None:
    assert holds_bsn(text)
    assert redact_bsn(text) == text.replace("999990135", "[bsn]")


@pytest.mark.parametrize(
    "text", ["999990136", "9999901350", "Consent/0f9c6a52-1111-4222-8333-a999990135ab", "12345678"]
)
def test_what_is_none_is_left_alone(text: str) -> None:
    assert not holds_bsn(text)
    assert redact_bsn(text) == text


def test_nine_digits_within_a_uuid_are_nobodys_number() -> None:
    text = "create Consent/0f9c6a52-1111-4222-8333-ab999990135c"
    assert redact_bsn(text) == text
