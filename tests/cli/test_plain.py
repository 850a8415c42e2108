import html
import json
import logging

import pytest
from written_logs import HOSTILE_ROW

from tb_lossdiag.cli.plain import PlainFormatter, encoding_of, plain, plain_json, plain_markdown
from tb_lossdiag.diagnosis.markdown import to_markdown
from tb_lossdiag.diagnosis.report import Cause, Fix, Report, Verdict

ENCODINGS = ("utf-8", "ascii", "cp1252", "latin-1", "cp437", "shift_jis", "utf-16", "cp037")
TEXTS = ("größe_😀", "層/dense", "x\ud800", HOSTILE_ROW, "\x00\x1b[2J\x85\u2028", "back\\slash", "…")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", TEXTS)
def test_json_stays_json_of_the_same_meaning_in_every_encoding(text, encoding):
    written = plain_json(json.dumps({text: [text]}, ensure_ascii=False), encoding)
    assert json.loads(written.encode(encoding).decode(encoding)) == {text: [text]}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", "latin-1", "cp437"])
def test_the_bytes_of_json_are_utf_8_whatever_stdout_is(encoding):
    written = plain_json(json.dumps({"größe 層": "…"}, ensure_ascii=False), encoding)
    assert json.loads(written.encode(encoding)) == {"größe 層": "…"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_printable_on_one_line_in_every_encoding(text, encoding):
    shown = plain(text, encoding)
    assert shown.encode(encoding).decode(encoding) == shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    "acting",
    ["\x1b[2J", "\x9b2J", "\r", "\n", "\b", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\u061c"],
)
def test_what_would_act_in_a_terminal_is_shown_as_an_escape(acting):
    assert plain(f"a{acting}b") == f"a{ascii(acting)[1:-1]}b"


def test_letters_of_any_script_stay_where_they_can_be_shown():
    assert plain("größe 層 😀 …") == "größe 層 😀 …"
    assert plain("größe 層 …", "cp1252") == "größe \\u5c64 …"
    assert plain("größe …", "ascii") == "gr\\xf6\\xdfe ..."


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_markdown_reads_the_same_in_every_encoding(encoding):
    cause = Cause("a", "größe 層", "likely", "warning", fix=Fix("Fix the 層.", "layer = '層'  # ```\nü = 1"))
    text = to_markdown(Report("größe_😀", Verdict("stalled", "… stuck …"), (cause,)))
    written = plain_markdown(text, encoding)
    assert written.encode(encoding).decode(encoding) == written
    prose, code, rest = written.split("````")
    assert [html.unescape(part) for part in (prose, rest)] == [html.unescape(part) for part in text.split("````")[::2]]
    assert "&#" not in code


def test_a_stream_that_keeps_text_takes_any():
    assert encoding_of(None) == "utf-8"


def test_a_log_line_does_nothing_in_a_terminal():
    record = logging.makeLogRecord({"msg": "run %s", "args": ("a\x1b[2J\nb",)})
    assert PlainFormatter().format(record) == "run a\\x1b[2J\\nb"
