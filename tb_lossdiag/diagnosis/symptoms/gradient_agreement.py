"""Do two halves of a batch ask for the same step? How much of a gradient is signal and how much is its examples' noise.

The cosine between the output layer's gradients of two half batches: |G|^2 / (|G|^2 + tr(Sigma) / b) for halves of b
examples, with G the true gradient and Sigma the covariance over examples. A fact rather than a fault: rare positives
and unshuffled batches agree too, and a converged training has only noise left.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import EARLY_STEPS, late_series, onset
from tb_lossdiag.run import Run, Series

ID = "gradient_agreement"
TITLE = "Agreement of half batches"
MIN_RECORDS = 10
# Last half: healthy calibration runs (10-class MLPs) 0.01 … 0.12, runs whose steps were far too small 0.20 … 0.46.
ALIGNED = 0.2
# Two of eleven healthy calibration runs lay below (0.008, 0.009), as did shuffled labels (0.007).
NOISE = 0.02
# Where the gradient of a whole batch is 0 its halves are each other's opposite, whatever the labels say: a linear model
# of one weight at its least squares had -1. Shuffled labels had 0.007.
OPPOSED = -0.5
UNIT = "cosine"
SOURCE = "healthy calibration runs 0.01 … 0.12 late, steps far too small 0.20 … 0.46"


def check(run: Run) -> Check:
    series = run.steps.get("gradient_agreement")
    if series is None:
        return Check(ID, TITLE, "not_run", needs=recorded("gradients of half batches", run))
    kept = np.isfinite(series.values) & (np.abs(series.values) <= 1 + 1e-3)
    series = Series(series.steps[kept], series.values[kept])
    if len(series) < MIN_RECORDS:
        return Check(ID, TITLE, "inconclusive", needs=f"{MIN_RECORDS} finite cosines, not {len(series)}")
    end = late_series(series)
    start = series.between(int(series.steps[0]), int(series.steps[0]) + EARLY_STEPS - 1)
    first, last = float(np.median(start.values)), float(np.median(end.values))
    level = "aligned" if last >= ALIGNED else "usual" if last > NOISE else "noise" if last > OPPOSED else "opposed"
    text = (
        f"The gradients of two halves of a batch have a cosine of {last:.2g}: "
        + {
            "aligned": "they agree, so steps could be far larger before batch noise limits them.",
            "noise": "they share next to nothing, so each step follows its own examples and not the task.",
            "opposed": "they pull against each other, as at the bottom of what the output layer can do.",
            "usual": "part signal, part noise, as in most trainings.",
        }[level]
    )
    found = level in ("aligned", "noise")
    crossed = series.values >= ALIGNED if level == "aligned" else series.values <= NOISE
    since = onset(series.steps, crossed) if found else None
    threshold = NOISE if level == "noise" else ALIGNED
    evidence = Evidence(text, last, threshold, UNIT, SOURCE, (), (int(end.steps[0]), int(end.steps[-1])))
    signs = (("level", level), ("early", first), ("late", last), ("noise_scale", _noise_scale(run, last)))
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        (int(end.steps[0]) if since is None else since) if found else None,
        signs=signs,
    )


def _noise_scale(run: Run, cosine: float) -> float | None:
    """tr(Sigma) / |G|^2 in examples, the batch that is half signal (McCandlish et al. 2018); None when not known."""
    if run.card is None or not run.card.batch_size:
        return None
    return run.card.batch_size / 2 * (1 / cosine - 1) if cosine > 1e-9 else np.inf
