"""What was this batch's own loss, when Keras reports the running mean of the epoch?"""

import math

FLOAT32_ROUNDING = 2.0**-23
ROUNDING_STEPS = 4  # the mean is a rounded quotient of two rounded sums, taken twice: measured errors stay below this
TRUSTED_ERROR = 0.01  # a batch loss that cancellation may have moved by more than 1 % is left out
AGREEMENT = 0.01  # a reading of the logs that misses a measured loss by more than 1 % is not how this model reports


class BatchLoss:
    """Recovers the batch loss L_t = t*M_t - (t-1)*M_(t-1) from the means M, for batches of one size.

    Reported once in several steps, it is the mean over these.

    A custom `train_step` may report the batch loss itself, or something else: `learn` compares both readings
    with the measured loss and `recover` uses the one that has held so far. count: steps since the epoch began.
    """

    def __init__(self) -> None:
        self._mean_holds = True
        self._plain_holds = True
        self.start_epoch()

    def start_epoch(self) -> None:
        self.count = 0
        self._mean = 0.0
        self._reading: tuple[float | None, float] = (None, math.nan)

    def take_as_reported(self) -> None:
        """What is reported is no mean, as nothing averages it."""
        self._mean_holds = False

    def recover(self, reported: float, steps: int = 1) -> float | None:
        """The batch loss behind the next reported loss; None where it cannot be trusted. Call once per execution."""
        self.count += steps
        before, self._mean = self._mean, reported
        self._reading = (_from_means(self.count / steps, reported, before), reported)
        if self._mean_holds:
            return self._reading[0]
        return reported if self._plain_holds else None

    def learn(self, measured: float) -> None:
        """Compares the readings of the last report with the loss measured in that step."""
        from_means, reported = self._reading
        if not math.isfinite(measured) or from_means is None:
            return
        self._mean_holds &= math.isclose(from_means, measured, rel_tol=AGREEMENT)
        self._plain_holds &= math.isclose(reported, measured, rel_tol=AGREEMENT)


def _from_means(t: float, mean: float, before: float) -> float | None:
    if t == 1:
        return mean
    if not math.isfinite(mean):
        return mean if math.isfinite(before) else None  # once a mean is NaN it stays so and says nothing more
    loss = t * mean - (t - 1) * before
    error = ROUNDING_STEPS * FLOAT32_ROUNDING * t * max(abs(mean), abs(before))
    return loss if error <= TRUSTED_ERROR * abs(loss) else None
