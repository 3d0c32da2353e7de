r"""Patterns of strangers, in linear time: ECMAScript on RE2.

A presentation definition comes from whoever asks for our credentials, and its patterns are ECMAScript (DIF Presentation
Exchange 2.0, JSON Schema). A backtracking engine lets such a stranger keep a core busy for hours with one line, so they run on
RE2. What differs in meaning is translated: ``\uXXXX``, ``\cX``, ``\0``, ``\s``, ``.``, ``[^]``. What RE2 cannot do is
refused with a reason: look-around, back-references, counts over 1,000. What ECMAScript leaves to the engine (``\p``, ``\z``,
flags inside the pattern) is refused too, because it would mean something else at the other side.

The translation reads one token at a time and writes only what it understands, so nothing reaches RE2 that it reads
differently. ``\d``, ``\w`` and ``$`` are strict: ASCII, and the end of the text, not "before a final line break".
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import re2

from credentials.errors import MalformedError

MAX_PATTERN_LENGTH: Final = 1_000
"""Characters in one pattern."""
MAX_REPEAT: Final = 1_000
"""RE2's own limit on ``{n}``, also for the product of nested ones."""
MAX_PROGRAM_SIZE: Final = 12_000
"""Instructions of one compiled pattern; searching costs at most this many steps per character."""
MAX_PROGRAM_BYTES: Final = 2_097_152
"""Memory RE2 may use for one pattern."""

_LINE_ENDS: Final = r"\n\r\x{2028}\x{2029}"
_SPACE: Final = r"\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
_NOT_SPACE: Final = (
    r"\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}"
    r"\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}"
)
_ANYTHING: Final = r"\x{0}-\x{10ffff}"
# Inside brackets. ECMAScript's \w and \d are ASCII, as are RE2's.
_CLASS_ESCAPES: Final = {"d": r"\d", "D": r"\D", "w": r"\w", "W": r"\W", "s": _SPACE, "S": _NOT_SPACE}
_CONTROL_ESCAPES: Final = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??", re.ASCII)
_GROUP_NAME: Final = re.compile(r"\?<[A-Za-z_$][A-Za-z0-9_$]*>")
_HIGH_SURROGATES: Final = range(0xD800, 0xDC00)
_LOW_SURROGATES: Final = range(0xDC00, 0xE000)
_SURROGATES: Final = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. Make one with `compile_pattern`.

    Attributes:
        source: the ECMAScript pattern as received.
        cost: steps per character that a search takes at most.
    """

    source: str
    cost: int
    _compiled: Any = field(repr=False, compare=False)  # google-re2 ships no types

    def search(self, text: str) -> str | None:
        """Find the pattern anywhere in ``text``.

        Returns:
            What was captured: the group's text when the pattern has a group (empty when the group took no part), otherwise the
            text that matched. None when the pattern does not occur.
        """
        try:
            found = self._compiled.search(text.encode())  # bytes: with a text it counts characters for every match
        except UnicodeEncodeError:  # half a surrogate pair is no text
            return None
        if found is None:
            return None
        captured: bytes | None = found.group(self._compiled.groups)  # group 0 is the whole match
        return (captured or b"").decode()


def compile_pattern(ecma: str) -> Pattern:
    """Translate an ECMAScript pattern (no flags) and compile it.

    Raises:
        MalformedError: not a pattern, too long, more than one capture group, or a construct that has no linear-time form. The
            message names the construct.
    """
    # (1) size
    if len(ecma) > MAX_PATTERN_LENGTH:
        raise MalformedError(f"pattern is longer than {MAX_PATTERN_LENGTH} characters")
    if any(unit in _SURROGATES for unit in map(ord, ecma)):
        raise MalformedError("pattern has half of a surrogate pair")
    # (2) only what we know how to say in RE2
    translated = _Translator(ecma).translate()
    # (3) RE2 accepts it, in bounded memory
    options = re2.Options()
    options.max_mem = MAX_PROGRAM_BYTES
    options.log_errors = False
    try:
        compiled = re2.compile(translated, options)
    except re2.error as error:
        raise MalformedError(f"pattern is not supported: {_reason(error)}") from error
    # (4) one claim per pattern (WIRE §2.15)
    if compiled.groups > 1:
        raise MalformedError("pattern has more than one capture group")
    # (5) bounded work per character
    if compiled.programsize > MAX_PROGRAM_SIZE:
        raise MalformedError("pattern is too complex")
    return Pattern(ecma, compiled.programsize, compiled)


def _reason(error: Exception) -> str:
    """RE2's words without the offending text, which is the stranger's."""
    said = error.args[0] if error.args else b""
    return (said.decode(errors="replace") if isinstance(said, bytes) else str(said)).partition(":")[0]


def _literal(code: int) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else rf"\x{{{code:x}}}"


class _Translator:
    """Reads the pattern once, left to right."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        self.depth = 0

    def translate(self) -> str:
        repeatable = False  # whether a quantifier may follow
        while self.at < len(self.source):
            character = self.source[self.at]
            quantifier = _QUANTIFIER.match(self.source, self.at)
            if quantifier is not None:
                if not repeatable:
                    raise MalformedError("pattern has nothing to repeat")
                self._quantify(quantifier)
                repeatable = False
                continue
            self.at += 1
            match character:
                case "\\":
                    repeatable = self._escape()
                case "[":
                    self.out.append(self._brackets())
                    repeatable = True
                case "(":
                    self._open()
                    repeatable = False
                case ")":
                    self._close()
                    repeatable = True
                case ".":
                    self.out.append(f"[^{_LINE_ENDS}]")
                    repeatable = True
                case "^" | "$" | "|":
                    self.out.append(character)
                    repeatable = False
                case _:  # everything else stands for itself, also a lone { or ] (ECMA-262 annex B)
                    self.out.append(_literal(ord(character)))
                    repeatable = True
        if self.depth:
            raise MalformedError("pattern has an unclosed group")
        return "".join(self.out)

    def _quantify(self, found: re.Match[str]) -> None:
        least, comma, most = found.groups()
        if least is not None:
            # Lengths first: int() of a thousand digits is work that a stranger chose.
            if any(len(count) > len(str(MAX_REPEAT)) or int(count) > MAX_REPEAT for count in (least, most) if count):
                raise MalformedError(f"pattern repeats more than {MAX_REPEAT} times")
            if comma and most and int(most) < int(least):
                raise MalformedError("pattern has a count out of order")
        self.out.append(found.group())
        self.at = found.end()

    def _open(self) -> None:
        rest = self.source[self.at : self.at + 3]
        self.depth += 1
        if not rest.startswith("?"):
            self.out.append("(")
        elif rest.startswith("?:"):
            self.out.append("(?:")
            self.at += 2
        elif rest.startswith(("?=", "?!")) or rest in {"?<=", "?<!"}:
            raise MalformedError("pattern uses look-around, which has no linear-time form")
        elif (named := _GROUP_NAME.match(self.source, self.at)) is not None:
            self.out.append("(")
            self.at = named.end()
        else:
            raise MalformedError("pattern has an unknown kind of group")

    def _close(self) -> None:
        if not self.depth:
            raise MalformedError("pattern has an unopened group")
        self.depth -= 1
        self.out.append(")")

    def _escape(self) -> bool:
        """Translate what follows a backslash outside brackets; whether it can be repeated."""
        character = self._next_of_escape()
        if character in "bB":
            self.out.append(f"\\{character}")
            return False
        if character in "123456789k":
            raise MalformedError("pattern uses a back-reference, which has no linear-time form")
        if character in _CLASS_ESCAPES:
            self.out.append(f"[{_CLASS_ESCAPES[character]}]")
        else:
            self.out.append(_literal(self._character_escape(character)))
        return True

    def _next_of_escape(self) -> str:
        if self.at >= len(self.source):
            raise MalformedError("pattern ends in a backslash")
        self.at += 1
        return self.source[self.at - 1]

    def _character_escape(self, character: str) -> int:
        """The code point of an escape that stands for one character."""
        if character in _CONTROL_ESCAPES:
            return _CONTROL_ESCAPES[character]
        if character == "0" and not self.source[self.at : self.at + 1].isdigit():
            return 0
        if character == "c":
            letter = self.source[self.at : self.at + 1]
            if letter.isascii() and letter.isalpha():
                self.at += 1
                return ord(letter) % 32
            raise MalformedError(r"pattern has \c without a letter")
        if character == "x":
            return self._hexadecimal(2)
        if character == "u":
            return self._unicode_escape()
        if character.isascii() and not character.isalnum() and character != "_":
            return ord(character)
        raise MalformedError("pattern has an escape without a meaning in ECMAScript")

    def _unicode_escape(self) -> int:
        code = self._hexadecimal(4)
        if code in _HIGH_SURROGATES and self.source.startswith("\\u", self.at):
            self.at += 2
            low = self._hexadecimal(4)
            if low in _LOW_SURROGATES:
                return 0x10000 + (code - _HIGH_SURROGATES.start) * 0x400 + (low - _LOW_SURROGATES.start)
        if code in _SURROGATES:
            raise MalformedError("pattern has half of a surrogate pair")
        return code

    def _hexadecimal(self, digits: int) -> int:
        text = self.source[self.at : self.at + digits]
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", text):
            raise MalformedError(f"pattern has an escape without {digits} hexadecimal digits")
        self.at += digits
        return int(text, 16)

    def _brackets(self) -> str:
        """Translate a character class; ``at`` is behind its opening bracket."""
        negated = self.source.startswith("^", self.at)
        self.at += negated
        parts: list[str] = []
        while True:
            member = self._member()
            if member is None:
                break
            # "-" makes a range only between two single characters; beside a class escape it is itself (annex B).
            if isinstance(member, int) and self._range_follows():
                self.at += 1
                last = self._member()
                if isinstance(last, int):
                    if last < member:
                        raise MalformedError("pattern has a range out of order")
                    parts.append(f"{_literal(member)}-{_literal(last)}")
                else:
                    parts.append(f"{_literal(member)}{_literal(ord('-'))}{last}")
                continue
            parts.append(_literal(member) if isinstance(member, int) else member)
        if not parts:  # [] matches nothing, [^] anything
            return f"[{_ANYTHING}]" if negated else f"[^{_ANYTHING}]"
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def _range_follows(self) -> bool:
        following = self.source[self.at : self.at + 2]
        return len(following) == 2 and following[0] == "-" and following[1] != "]"  # noqa: PLR2004  # "-" and one more

    def _member(self) -> int | str | None:
        """One character's code point, a class escape in RE2's form, or None at the closing bracket."""
        if self.at >= len(self.source):
            raise MalformedError("pattern has an unclosed bracket")
        character = self.source[self.at]
        self.at += 1
        if character == "]":
            return None
        if character != "\\":
            return ord(character)
        escaped = self._next_of_escape()
        if escaped in _CLASS_ESCAPES:
            return _CLASS_ESCAPES[escaped]
        return 0x08 if escaped == "b" else self._character_escape(escaped)
