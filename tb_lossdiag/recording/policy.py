"""What happens when something is found while the training runs? It is looked for in the background, told in between.

A thread diagnoses what the log holds so far, as `tb_lossdiag.diagnose` does for anybody, and rests fifty times as long
as that took. What it finds is handed over on the training's own thread between two steps.
"""

import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tb_lossdiag

# Of the time, for looking; diagnosing 2,000 records of 500 layers takes a tenth of a second of one core.
SHARE = 0.02
ACTIONS = ("warn", "stop")
SEVERITIES = ("critical", "warning", "note")  # as in a report
SURE = ("confirmed", "likely")  # what is merely possible is told where nothing comes before it


class Policy:
    """Acts on the causes of a training, each once, and again only after it had gone.

    should_stop: whether a finding asked for the end of the training.
    """

    def __init__(self, on_finding: str | Callable, min_severity: str, log_dir: Path | str) -> None:
        self.should_stop = False
        self._on_finding = on_finding
        self._severities = SEVERITIES[: SEVERITIES.index(min_severity) + 1]
        self._log_dir = log_dir
        self._told: set[str] = set()
        self._found: Any = None
        self._look: threading.Thread | None = None
        self._due = 0.0

    def act(self) -> None:
        """To be called between steps; hands over what a finished look has found, and begins another when it is due."""
        if self._look is not None and not self._look.is_alive():
            self._look = None
            self._hand_over()
        if self._look is None and time.monotonic() >= self._due:
            self._look = threading.Thread(target=self._diagnose, name="tb_lossdiag", daemon=True)
            self._look.start()

    def finish(self) -> None:
        """The last look, once the training is over; waits for it."""
        if self._look is not None:
            self._look.join()
        self._diagnose()
        self._look = None
        self._hand_over()

    def _diagnose(self) -> None:
        began = time.monotonic()
        try:
            self._found = tb_lossdiag.diagnose(self._log_dir).get(".")
        except Exception:  # a log that cannot be read now may be read later, and the tab says why not
            self._found = None
        ended = time.monotonic()
        self._due = ended + (ended - began) / SHARE

    def _hand_over(self) -> None:
        report, self._found = self._found, None
        if report is None:
            return
        told = [c for c in report.causes if c.confidence in SURE or c is report.causes[0]]
        grave = [cause for cause in told if cause.severity in self._severities]
        new = [cause for cause in grave if cause.id not in self._told]
        self._told = {cause.id for cause in grave}
        for cause in new:
            if callable(self._on_finding):
                self._on_finding(cause, report)
            else:
                self._say(cause, report)
        self.should_stop |= bool(new) and self._on_finding == "stop"

    def _say(self, cause: Any, report: Any) -> None:
        stops = " The training stops here." if self._on_finding == "stop" else ""
        warnings.warn(
            f"tb_lossdiag: {cause.title} ({cause.confidence}). {report.verdict.headline} {cause.fix.text}{stops} "
            f"More: tensorboard --logdir {self._log_dir}, tab Diagnostics.",
            RuntimeWarning,
            stacklevel=2,
        )


def policy(on_finding: str | Callable | None, min_severity: str, log_dir: Path | str) -> Policy | None:
    """The policy asked for, None for none. Raises TypeError or ValueError for an argument that is not allowed."""
    allowed = f"expected None, {', '.join(map(repr, ACTIONS))} or a callable that takes a cause and the report"
    if isinstance(on_finding, str) and on_finding not in ACTIONS:
        raise ValueError(f"on_finding={on_finding!r}: {allowed}")
    if on_finding is not None and not isinstance(on_finding, str) and not callable(on_finding):
        raise TypeError(f"on_finding={on_finding!r}: {allowed}, got {type(on_finding).__name__}")
    if min_severity not in SEVERITIES:
        raise ValueError(f"min_severity={min_severity!r}: expected one of {', '.join(map(repr, SEVERITIES))}")
    return None if on_finding is None else Policy(on_finding, min_severity, log_dir)
