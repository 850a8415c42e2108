"""What of a decoded JSON value is kept? No integer beyond 64 bits and no text without end; what is not kept is named.

An integer of 400 digits is valid JSON and no number that anything computes with: turning it into a float raises.
"""

from typing import Any

MAX_CHARACTERS = 10_000  # of a text in an event: a traceback has a few thousand
SHOWN_CHARACTERS = 80  # of a value or a reason that a report quotes


def within_limits(value: Any, most: int = MAX_CHARACTERS) -> tuple[Any, dict[str, str]]:
    """The value, and {where: what} of that which was left out or cut.

    An integer beyond 64 bits is left out of the object that has it and None in a list; a text is cut to `most`
    characters; a name longer than that is left out with what it names.
    """
    dropped: dict[str, str] = {}
    return _kept(value, most, "", dropped), dropped


def shown(value: Any) -> str:
    """A value as a report quotes it."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _kept(value: Any, most: int, where: str, dropped: dict[str, str]) -> Any:
    if isinstance(value, dict):
        kept = {}
        for name, part in value.items():
            place = f"{where}.{name}" if where else name
            if len(name) > most or _is_endless(part):
                dropped[place[:SHOWN_CHARACTERS]] = shown(part)
            else:
                kept[name] = _kept(part, most, place, dropped)
        return kept
    if isinstance(value, list):
        return [_kept(part, most, f"{where}[{index}]", dropped) for index, part in enumerate(value)]
    if _is_endless(value):
        dropped[where[:SHOWN_CHARACTERS]] = shown(value)
        return None
    if isinstance(value, str) and len(value) > most:
        dropped[where[:SHOWN_CHARACTERS]] = f"{shown(value)} behind its first {most} characters"
        return value[:most]
    return value


def _is_endless(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63
