"""What is stored: canonical bytes, nothing sensitive in clear, index columns that come from the body."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import canonical_json
from node.audit.entry import MAX_BODY_BYTES, index_of, mark_entry, outcome_entry, record_entry, sealed_place
from node.audit.pseudonym import holds_bsn, is_bsn, is_pseudonym, pseudonym, redact_bsn
from node.audit.record import AuditRecord, Outcome, milliseconds
from node.audit.rules import RuleOutcome
from node.audit.seal import Sealer, SealError
from tests.node.audit.setting import BSN, NOW, PATIENT, CountingEntropy, a_record, a_sealer, a_use

TEXT = st.text(max_size=20) | st.sampled_from([BSN, f"Patient?id={BSN}", "\0", "\ud800", "é€😀", "\x1f\x7f\u2028"])

AT = milliseconds(NOW)


def stored(record: AuditRecord, **more: Any) -> tuple[bytes, tuple[Any, ...]]:
    entry = record_entry(record, final=False, once=more.get("once", ()), sealer=a_sealer())
    return entry.body, entry.index


@given(TEXT, TEXT, TEXT, TEXT, st.sampled_from(["permit", "deny"]))
@settings(max_examples=200, deadline=None)
def test_any_texts_give_canonical_bytes_whose_index_comes_from_the_body(
    interaction: str, name: str, message: str, evidence: str, decision: str
) -> None:
    rule = RuleOutcome(rule="r", outcome="permit", code="c", message=message, evidence={evidence or "e": evidence})
    body, index = stored(
        a_record(
            interaction=interaction, user_name=name, decision=decision, rules=(rule,), query=message, reference=name
        ),
        once=[a_use("a")],
    )
    parsed = json.loads(body)
    assert index == index_of(parsed)
    assert b"\\u0000" not in body
    again = canonical_json(parsed)
    assert json.loads(again) == parsed
    if all(ord(letter) < 0xD800 for letter in evidence):  # beyond, RFC 8785 sorts member names by UTF-16
        assert body == again


@given(
    st.sampled_from(["interaction", "step", "usecase", "code"]),
    st.sampled_from(["{}", "Patient?identifier={}", "{},{}", "x{}y"]),
)
def test_a_citizen_number_in_prose_is_redacted(member: str, form: str) -> None:
    body, _ = stored(a_record(**{member: form.replace("{}", BSN)}))
    assert BSN.encode() not in body


def test_a_citizen_number_in_a_rule_is_redacted() -> None:
    rule = RuleOutcome(rule="r", outcome="deny", code="c", message=f"about {BSN}", evidence={"patient": BSN})
    assert BSN.encode() not in stored(a_record(rules=(rule,)))[0]


def test_query_and_reason_are_sealed_and_bound_to_their_record() -> None:
    record = a_record(query=f"patient={BSN}&code=hiv", reason="unconscious")
    body, _ = stored(record)
    assert b"hiv" not in body
    assert b"unconscious" not in body
    sealer = a_sealer()
    sealed = sealer.seal(b"x", sealed_place("gouwe", AT, PATIENT))
    assert sealer.unseal(sealed, sealed_place("gouwe", AT, PATIENT)) == b"x"
    for place in (sealed_place("oever", AT, PATIENT), sealed_place("gouwe", AT, None)):
        with pytest.raises(SealError):
            sealer.unseal(sealed, place)


def test_a_record_as_long_as_a_peer_likes_is_cut() -> None:
    rules = tuple(RuleOutcome(rule="r", outcome="deny", code="c", message="m" * 5_000) for _ in range(10))
    body, index = stored(a_record(interaction="x" * 100_000, rules=rules, query="q" * 100_000))
    assert len(body) < 2 * MAX_BODY_BYTES
    assert index == index_of(json.loads(body))


def test_outcomes_and_marks_have_the_index_of_their_body() -> None:
    for entry in (outcome_entry(7, Outcome(state="delivered", status=200), NOW), mark_entry("start", 3, NOW)):
        assert entry.index == index_of(json.loads(entry.body))


def test_a_record_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="UTC"):
        a_record(at=NOW.replace(tzinfo=None))


def test_a_pseudonym_is_keyed_and_says_nothing() -> None:
    one, other = pseudonym(b"a" * 32, BSN), pseudonym(b"b" * 32, BSN)
    assert is_pseudonym(one)
    assert len(one) == 3 + 22
    assert one != other
    assert one == pseudonym(b"a" * 32, BSN)
    assert BSN not in one


@pytest.mark.parametrize(
    "text",
    [
        "",
        "99999013",
        "9999901355",
        "\uff19\uff19\uff19\uff19\uff19\uff10\uff11\uff13\uff15",
        "99999013a",
        " 99999013",
        "999990135\n",
    ],
)
def test_only_nine_ascii_digits_become_a_pseudonym(text: str) -> None:
    with pytest.raises(ValueError, match="nine digits") as refused:
        pseudonym(b"a" * 32, text)
    assert text == "" or text not in str(refused.value)
    assert not is_bsn(text)


def test_citizen_numbers_are_told_from_other_numbers_by_the_elfproef() -> None:
    assert all(is_bsn(number) for number in ("999990019", "999992193", "176286603", "900186021"))
    assert not any(is_bsn(number) for number in ("999940003", "999911234", "000000000"))
    assert redact_bsn(f"a{BSN}b 123456789 1{BSN}") == f"a[bsn]b 123456789 1{BSN}".replace(
        "123456789", "123456789" if not is_bsn("123456789") else "[bsn]"
    )
    assert holds_bsn(f"x={BSN}&")
    assert not holds_bsn(f"x=1{BSN}")


def test_a_sealed_value_opens_only_as_it_was_sealed() -> None:
    sealer, other = a_sealer(), Sealer(b"t" * 32, purpose="audit", entropy=CountingEntropy())
    sealed = sealer.seal(b"secret", b"place")
    assert a_sealer().unseal(sealed, b"place") == b"secret"
    for opener, value in (
        (other, sealed),
        (a_sealer("consent"), sealed),
        (sealer, sealed[:-1]),
        (sealer, b""),
        (sealer, b"\x02" + sealed[1:]),
        *(
            (sealer, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
            for at in random.Random(1).sample(range(len(sealed)), 12)
        ),
    ):
        with pytest.raises(SealError):
            opener.unseal(value, b"place")


def test_salts_are_renewed_and_old_values_still_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.audit.seal._VALUES_PER_SALT", 3)
    sealer = a_sealer()
    sealed = [sealer.seal(b"x", b"p") for _ in range(20)]
    assert len({value[1:17] for value in sealed}) > 4
    assert len({value[17:29] for value in sealed}) == 20
    assert all(sealer.unseal(value, b"p") == b"x" for value in sealed)
