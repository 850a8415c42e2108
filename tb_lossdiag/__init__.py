"""Why is my training loss stuck? Record a training, diagnose it, read it in TensorBoard's Diagnostics tab.

    model.fit(x, y, callbacks=[tb_lossdiag.LossDiagnostics("logs/run1")])
    tb_lossdiag.diagnose("logs")["run1"].verdict

Importing this package loads neither TensorFlow nor Keras: each name is fetched when it is first used.
"""

import importlib

__version__ = "0.1.0"
__all__ = ["DiagnosticsWriter", "LossDiagnostics", "ModelCard", "Report", "TrainingMonitor", "diagnose"]

_HOMES = {
    "DiagnosticsWriter": "recording.writer",
    "LossDiagnostics": "recording.callback",
    "ModelCard": "run",
    "Report": "diagnosis.report",
    "TrainingMonitor": "recording.monitor",
    "diagnose": "cli.trainings",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
