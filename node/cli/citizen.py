"""The citizen service number (BSN) a command is about: from standard input or a hidden prompt, never from the arguments.

Arguments are seen by every user of the machine and kept in the shell's history. The number is checked and not repeated in any
message.
"""

import getpass
import sys

from node.cli.output import CommandError
from node.usecases.identifiers import BSN_SYSTEM, is_bsn

HOW = "the citizen service number (BSN) is read from standard input, or asked for; it is never an argument"
"""Stands in the help of every command that needs one."""

MAX_LINE = 4_096


def read_bsn() -> str:
    """Read a citizen service number.

    Raises:
        CommandError: nothing was given, or not such a number.
    """
    number = _read_line("BSN (not shown): ", hidden=True)
    if not number:
        raise CommandError("a citizen service number is needed", "pipe it in, or type it when asked", code=2)
    if not is_bsn(number):
        raise CommandError(
            "that is not a citizen service number", "nine digits that pass the eleven test (elfproef)", code=2
        )
    return number


def read_reason() -> str:
    """Read why the glass is broken: the line behind the number, or asked for.

    Raises:
        CommandError: nothing was given.
    """
    reason = _read_line("Reason: ", hidden=False)
    if not reason:
        raise CommandError("breaking the glass needs a reason", "give it on the line behind the number", code=2)
    return reason


def patient(bsn: str) -> dict[str, str]:
    """Return the citizen as the APIs want it."""
    return {"system": BSN_SYSTEM, "value": bsn}


def patient_parameter(bsn: str) -> tuple[str, str]:
    """Return the citizen as a search parameter; for forms only."""
    return ("patient-id", f"{BSN_SYSTEM}|{bsn}")


def _read_line(prompt: str, *, hidden: bool) -> str:
    try:
        if not sys.stdin.isatty():
            return sys.stdin.readline(MAX_LINE).strip()
        if hidden:
            return getpass.getpass(prompt, stream=sys.stderr).strip()
        print(prompt, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline(MAX_LINE).strip()
    except (EOFError, UnicodeDecodeError):
        return ""
