"""Text from a log as text that any stdout can take: nothing in it acts in a terminal, and no character is lost."""

import codecs
import json
import logging
from typing import TextIO

# Marks of our own sentences for an encoding that has not got them, where an escape would be harder to read.
_SPELLED = {"…": "..."}
_SPELL, _JSON_ESCAPE = "tb_lossdiag.spell", "tb_lossdiag.json_escape"  # how codecs knows the handlers below


def plain(text: str, encoding: str = "utf-8") -> str:
    """The text on one line, with an escape for each character that could move or reorder what a terminal shows (control
    and bidirectional characters, any kind of line break) and for each that `encoding` has not got."""
    shown = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return shown.encode(encoding, _SPELL).decode(encoding)


def plain_json(text: str, encoding: str) -> str:
    """JSON text, still JSON and of the same meaning, whose bytes are UTF-8 in every encoding that begins with ASCII, as
    JSON's readers expect: where the encoding is another one, what ASCII has not got is escaped.
    """
    kept = "utf-8" if codecs.lookup(encoding).name == "utf-8" else "ascii"
    return text.encode(kept, _JSON_ESCAPE).decode(kept)


def plain_markdown(text: str, encoding: str) -> str:
    """Markdown that renders the same, with numbers for what the encoding has not got; in code an escape stands for it,
    as the names in it are Python's literals."""
    lines, fence = [], ""
    for line in text.split("\n"):
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if len(ticks) >= 3 and fence in ("", ticks):
            fence = "" if fence else ticks
        handler = "backslashreplace" if fence else "xmlcharrefreplace"
        lines.append(line.encode(encoding, handler).decode(encoding))
    return "\n".join(lines)


def encoding_of(stream: TextIO) -> str:
    """What the stream can take; one that keeps text takes all."""
    return getattr(stream, "encoding", None) or "utf-8"


class PlainFormatter(logging.Formatter):
    """A log line that does nothing in a terminal, whatever names are in it."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def _escaped(text: str) -> str:
    return ascii(text)[1:-1]


def _spell(error: UnicodeEncodeError) -> tuple[str, int]:
    missing = error.object[error.start : error.end]
    return "".join(_SPELLED.get(c) or _escaped(c) for c in missing), error.end


def _json_escape(error: UnicodeEncodeError) -> tuple[str, int]:
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_SPELL, _spell)
codecs.register_error(_JSON_ESCAPE, _json_escape)
