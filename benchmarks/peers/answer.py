"""What is another tool asked, and what does it answer? Case and Answer, the same for every peer."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tb_lossdiag.run import Run


@dataclass(frozen=True)
class Case:
    """One recorded training. log_dir holds the event files in <log_dir>/diagnostics; run is all that is in them."""

    run: Run
    log_dir: Path


@dataclass(frozen=True)
class Answer:
    """What one tool says about one training.

    causes: our ids of the causes that it names, best first; () when it names none that we have a word for.
    said: its own words, or why it could not run when `ran` is False.
    """

    alarmed: bool
    causes: tuple[str, ...]
    said: tuple[str, ...]
    ran: bool = True


@dataclass(frozen=True)
class Remark:
    """One sentence of a tool. alarm: False for advice and notes, which the tool does not count as a problem itself."""

    said: str
    causes: tuple[str, ...] = ()
    alarm: bool = True


def answer(remarks: Iterable[Remark]) -> Answer:
    """The tool's remarks, in its own order, as one answer; only alarms name causes."""
    remarks = tuple(remarks)
    alarms = [remark for remark in remarks if remark.alarm]
    causes = dict.fromkeys(cause for remark in alarms for cause in remark.causes)
    return Answer(bool(alarms), tuple(causes), tuple(remark.said for remark in remarks))


def could_not_run(reason: str) -> Answer:
    return Answer(alarmed=False, causes=(), said=(reason,), ran=False)
