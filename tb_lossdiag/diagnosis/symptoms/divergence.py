"""Did the loss come down and go up again? What was learned and lost, as a share of the way down.

The measure has no unit: (late - best) / (start - best), 0 when the best was kept and 1 when all of it is gone. Best and
late are medians of windows, so neither a lucky batch nor a hard one decides.
"""

import numpy as np

from tb_lossdiag.diagnosis.decimals import percent
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import best_curve, onset
from tb_lossdiag.run import Run, Series

ID = "divergence"
TITLE = "Learned and lost"
WINDOWS = 20
# Points a window has at least: batch losses need more than epoch means to have a steady median.
NOISY_POINTS = 10
EPOCH_POINTS = 3
MIN_WINDOWS = 4
# Half of what was learned; an untuned choice that healthy runs stay far away from.
LOST = 0.5
ALL = 0.9
# A way down shorter than this is none to lose.
PROGRESS = 0.05
# Way down and way back in standard errors of a window's median; the best of 20 lies some 2 below their mean anyway.
CLEAR = 6.0
# Five doublings need no way down before them.
BLOW_UP = 32.0
# A loss beyond this has blown up, and its square with it.
LARGEST = 1e100
SOURCE = "none in 1000 simulated healthy curves"


def check(run: Run) -> Check:
    curve = best_curve(run)
    if curve is None:
        return Check(ID, TITLE, "not_run", needs="a loss curve")
    series, noisy = curve
    kept = np.abs(series.values) < LARGEST
    series = Series(series.steps[kept], series.values[kept])
    points = max(len(series) // WINDOWS, NOISY_POINTS if noisy else EPOCH_POINTS)
    if len(series) < MIN_WINDOWS * points:
        return Check(ID, TITLE, "inconclusive", needs=f"{MIN_WINDOWS * points} finite losses, not {len(series)}")
    parts = np.array_split(np.arange(len(series)), len(series) // points)
    medians = np.array([np.median(series.values[part]) for part in parts])
    start = float(np.median(series.values[: NOISY_POINTS if noisy else 1]))
    best, late = int(np.argmin(medians)), float(medians[-1])
    way, back = start - float(medians[best]), late - float(medians[best])
    error = max(_error(series.values[part], points) for part in (parts[0], parts[best], parts[-1]))
    error = error if noisy else _error(np.diff(series.values) / np.sqrt(2), points)
    learned = way > PROGRESS * abs(start) and way > CLEAR * error
    lost = back / way if learned else 0.0
    blown = start > 0 and late > BLOW_UP * start
    level = "none"
    if blown or (lost > LOST and back > CLEAR * error):
        level = "collapsed" if blown or lost >= ALL else "rose"
    lowest = int(series.steps[parts[best][len(parts[best]) // 2]])
    text = f"The loss began at {start:.4g}, was lowest around {run.step_unit} {lowest} ({medians[best]:.4g})"
    text += f" and ends at {late:.4g}"
    text += f": {percent(lost)} of the way down is lost." if learned else "."
    value, threshold, unit = (late / start, BLOW_UP, "end / start") if blown else (lost, LOST, "share of the way down")
    seen = (lowest, int(series.steps[-1]))
    above = medians[best:] > (BLOW_UP * start if blown else medians[best] + LOST * way)
    firsts = np.array([series.steps[part[0]] for part in parts[best:]])
    found = level != "none"
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (Evidence(text, value, threshold, unit, SOURCE, (), seen),),
        onset(firsts, above) if found else None,
        signs=(("level", level), ("lost", lost), ("best_step", lowest)),
    )


def _error(values: np.ndarray, points: int) -> float:
    """Standard error of the median of so many values with this spread."""
    spread = float(np.median(np.abs(values - np.median(values)))) / 0.6745
    return 1.2533 * spread / np.sqrt(points)
