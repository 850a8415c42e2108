"""The process behind `tb-lossdiag`, with streams that are closed, full, deaf or know few letters."""

import io
import json
import os
import signal
import subprocess
import sys

import pytest
from event_files import scalars, write

from tb_lossdiag import cli, diagnose
from tb_lossdiag.diagnosis.markdown import to_markdown

FULL = "/dev/full"  # a device on which every write fails with "No space left on device"
COMMANDS = (["report"], ["report", "--json"], ["report", "--markdown"], ["check"])

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has neither these devices nor these signals")
with_full_device = pytest.mark.skipif(not os.path.exists(FULL), reason=f"this system has no {FULL}")


@pytest.fixture
def main(monkeypatch):
    """A function: arguments and encoding -> exit code and what was written to stdout, decoded."""
    monkeypatch.setattr("tb_lossdiag.logs.provider.spare_tensorflow", lambda: None)  # for processes of our own only

    def call(*arguments: str, encoding: str = "utf-8") -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["tb-lossdiag", *arguments])
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n"))
        code = cli.main()
        return code, sys.stdout.buffer.getvalue().decode(encoding)

    return call


def process(*arguments, unbuffered: str = "", **options) -> subprocess.CompletedProcess:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    options["env"] = {**os.environ, "PYTHONUNBUFFERED": unbuffered}  # writes at once fail elsewhere than a flush
    return subprocess.run([sys.executable, "-m", "tb_lossdiag", *map(str, arguments)], **options)


def shell(redirected: str, *arguments) -> subprocess.CompletedProcess:
    command = ["sh", "-c", f'"$@" {redirected}', "sh", sys.executable, "-m", "tb_lossdiag", *map(str, arguments)]
    return subprocess.run(command, capture_output=True)


def test_the_module_is_the_command(sick):
    assert process("check", sick).returncode == 1
    assert b"usage: tb-lossdiag" in process().stderr


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [*COMMANDS, ["--help"], ["--version"]], ids=" ".join)
def test_a_reader_that_left_ends_the_command_as_sigpipe_would(sick, command, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    ended = process(*command, *([sick] if command[0][0] != "-" else []), stdout=writing, unbuffered=unbuffered)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


@with_full_device
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [*COMMANDS, ["--help"], ["--version"]], ids=" ".join)
def test_a_full_device_is_said_and_never_means_found(sick, command, unbuffered):
    with open(FULL, "wb") as full:
        ended = process(*command, *([sick] if command[0][0] != "-" else []), stdout=full, unbuffered=unbuffered)
    assert ended.returncode == 2
    assert ended.stderr.decode().splitlines() == [
        "tb-lossdiag: cannot write to standard output: No space left on device"
    ]


@posix
@pytest.mark.parametrize("command", [["check"], ["report", "--json"], ["--version"]], ids=" ".join)
def test_a_closed_stdout_is_said_and_never_means_found(sick, command):
    ended = shell(">&-", *command, *([sick] if command[0][0] != "-" else []))
    assert ended.returncode == 2
    assert ended.stderr.decode().splitlines() == ["tb-lossdiag: cannot write to standard output: it is closed"]


@with_full_device
@pytest.mark.parametrize("redirected", [">&- 2>&-", f">{FULL} 2>{FULL}", f">{FULL} 2>&-"])
def test_with_nobody_to_tell_the_exit_code_still_says_that_there_is_no_answer(sick, redirected):
    assert shell(redirected, "check", sick).returncode == 2


@with_full_device
@pytest.mark.parametrize("redirected", ["2>&-", f"2>{FULL}"])
@pytest.mark.parametrize("arguments", [["check", "nowhere"], ["check", "--fail-on", "hunger", "logs"]], ids=" ".join)
def test_what_is_wrong_is_never_said_in_place_of_the_answer(redirected, arguments):
    ended = shell(redirected, *arguments)
    assert (ended.returncode, ended.stdout) == (2, b"")


@posix
def test_a_closed_or_full_stderr_takes_nothing_from_the_answer(sick):
    ended = shell("2>&-", "check", sick)
    assert ended.returncode == 1
    assert ended.stdout.startswith(b"sick: critical")


@posix
def test_control_c_ends_the_command_as_the_signal_would(tmp_path):
    fifo = tmp_path / "events.out.tfevents.1.host"
    os.mkfifo(fifo)
    command = [sys.executable, "-m", "tb_lossdiag", "check", str(tmp_path)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with running, open(fifo, "wb"):  # which waits until the command reads it
        running.send_signal(signal.SIGINT)
        said, complained = running.communicate()
    assert running.returncode == -signal.SIGINT
    assert (said, complained) == (b"", b"")


def test_a_fault_of_ours_is_told_and_never_means_found(sick):
    code = """
        import sys
        from tb_lossdiag.cli import commands, main

        def broken(log_dir):
            raise RuntimeError("a\\x1b[2Jb")

        commands.diagnosed = broken
        sys.exit(main())
    """.replace("\n        ", "\n")
    ended = subprocess.run([sys.executable, "-c", code, "check", str(sick)], capture_output=True)
    assert ended.returncode == 2
    assert b"Traceback" in ended.stderr and b"RuntimeError: a\\x1b[2Jb" in ended.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", "latin-1", "utf-16"])
def test_every_answer_can_be_written_in_every_encoding(main, sick, encoding):
    write(sick / "größe_😀", scalars("loss", [2.0, 1.0]))
    reports = diagnose(sick)
    code, told = main("report", "--json", str(sick), encoding=encoding)
    assert (code, json.loads(told)) == (0, {name: report.to_dict() for name, report in reports.items()})
    code, told = main("report", "--markdown", "--run", "sick", str(sick), encoding=encoding)
    assert code == 0 and (encoding == "ascii" or told == to_markdown(reports["sick"]))
    code, told = main("compare", "--json", str(sick), "sick", "größe_😀", encoding=encoding)
    assert (code, json.loads(told)["runs"]) == (0, ["sick", "größe_😀"])
    for arguments in (["report"], ["check"]):
        code, told = main(*arguments, str(sick), encoding=encoding)
        shown = "größe_😀".encode("ascii" if encoding == "ascii" else "latin-1", "backslashreplace").decode("latin-1")
        assert ("größe_😀" if encoding.startswith("utf") else shown) in told
        assert "?" not in told and "\ufffd" not in told


def test_lines_are_drawn_only_where_the_encoding_has_them(main, sick):
    assert "┃" in main("report", str(sick), encoding="utf-8")[1]
    assert "|" in main("report", str(sick), encoding="cp1252")[1]


def test_the_version_is_told(main):
    from importlib.metadata import version

    assert main("--version") == (0, f"tb-lossdiag {version('tb-lossdiag')}\n")


def test_help_documents_the_exit_codes(main):
    for arguments in (["--help"], ["check", "--help"]):
        code, told = main(*arguments)
        told = " ".join(told.split())
        assert code == 0
        assert "1 found" in told and "2 could not look" in told and "130" in told and "141" in told
