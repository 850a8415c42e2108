"""The process behind `tb-lossdiag`: whatever becomes of its streams, it ends without a traceback and with an exit code
that says no more than is known."""

import contextlib
import io
import logging
import os
import signal
import sys
import traceback
from typing import TextIO

NO_ANSWER = 2
INTERRUPTED = 128 + 2  # what a shell makes of a process that SIGINT ended
READER_GONE = 128 + 13  # and SIGPIPE; only POSIX has a name for it


def main() -> int:
    """Answers the command line in sys.argv; returns the exit code."""
    if sys.stderr is None:  # `2>&-`; print would take stdout in its place
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  to the end of the process
    try:
        return _answer()
    except KeyboardInterrupt:
        return _interrupted()
    except Exception:  # a fault of ours, which Python would end with 1: "found"
        return _failed(traceback.format_exc())
    finally:
        _finish(sys.stderr)


def _answer() -> int:
    if sys.stdout is None:  # `>&-`
        return _unwritten("it is closed")
    try:
        code = _run()
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `| head` has read enough
        _finish(sys.stdout)
        return READER_GONE
    except OSError as error:  # reading a log raises none that `run` lets through
        _finish(sys.stdout)
        return _unwritten(error.strerror or str(error))


def _run() -> int:
    from tb_lossdiag.cli.commands import run
    from tb_lossdiag.cli.plain import PlainFormatter
    from tb_lossdiag.logs.provider import spare_tensorflow

    spare_tensorflow()
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter())
    logging.basicConfig(handlers=[handler])  # TensorBoard's own words about a log, names from it among them
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return run(sys.argv[1:])
    except SystemExit as stop:  # --help, --version, a wrong command line
        return stop.code


def _unwritten(reason: str) -> int:
    return _failed(f"tb-lossdiag: cannot write to standard output: {reason}")


def _failed(message: str) -> int:
    from tb_lossdiag.cli.plain import plain

    with contextlib.suppress(OSError):  # stderr is closed or full too: there is nobody left to tell
        print(*map(plain, message.splitlines()), sep="\n", file=sys.stderr)
    return NO_ANSWER


def _finish(stream: TextIO) -> None:
    """Flushes what can be; the rest goes nowhere, or Python would fail once more with it when the process ends."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _interrupted() -> int:
    """Ends as if Ctrl-C had never been handled: a shell loop around this command ends too only if the signal did it."""
    if os.name == "posix":
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    return INTERRUPTED
