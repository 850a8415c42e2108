"""Is an optimizer option set to a value that rarely works? A risk read from the settings, before any step.

What it does to a training is measured elsewhere: by the update ratio, the clip factor and the optimizer's efficiency.
"""

from collections.abc import Mapping

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.settings import learning_rate, optimizer_name
from tb_lossdiag.run import Run, finite

ID = "optimizer_settings"
TITLE = "Optimizer settings"
# Adam's default is 1e-7 in Keras. RMSprop is left out: published recipes train with 1e-3 … 1.0 there.
ADAM_LIKE = ("Adam", "AdamW", "Nadam", "Adamax")
LARGE_EPSILON = 1e-2
# Usual clip values are 0.1 … 10; the calibration run clipped at 1e-5 did not learn.
TINY_CLIP = 1e-4
CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")
# Keras takes learning rate x weight decay off every weight in every step. 1e-3 forgets within 1000 steps; usual
# settings reach 1e-4 (SGD 0.1 x 1e-3).
DECAY_PER_STEP = 1e-3
# As a number of its own 0.5 is beyond published recipes (up to 0.3). Lion is left out: 1.0 is usual there.
LARGE_DECAY = 0.5
# Keras's default of 0.001 for all: Adadelta was published with 1.0, and Adagrad, whose steps only shrink, with 0.01.
SHRINKING_RATE = {"Adadelta": (0.01, 1.0), "Adagrad": (2e-3, 0.01)}
SOURCE = "defaults and published recipes"


def check(run: Run) -> Check:
    config = run.card.optimizer.get("config") if run.card is not None else None
    if not isinstance(config, Mapping) or not config:
        return Check(ID, TITLE, "not_run", needs=recorded("the optimizer's settings", run))
    for judge in (_clip, _epsilon, _decay, _shrinking):
        risk = judge(run, config)
        if risk is not None:
            fault, setting, value, threshold, text = risk
            evidence = Evidence(text, value, threshold, setting, SOURCE)
            signs = (("fault", fault), ("setting", setting), ("value", value))
            return Check(ID, TITLE, "found", (evidence,), 0, signs=signs)
    evidence = Evidence(f"{optimizer_name(run) or 'The optimizer'} has no unusual setting.", source=SOURCE)
    signs = (("fault", "none"), ("setting", ""), ("value", None))
    return Check(ID, TITLE, "not_found", (evidence,), signs=signs)


Risk = tuple[str, str, float, float, str]


def _clip(run: Run, config: Mapping) -> Risk | None:
    for name in CLIPS:
        value = _number(config, name)
        if value is not None and 0 < value <= TINY_CLIP:
            text = f"{name}={value:g} cuts gradients to almost nothing; usual values are 0.1 … 10."
            return "clip_tiny", name, value, TINY_CLIP, text
    return None


def _epsilon(run: Run, config: Mapping) -> Risk | None:
    value = _number(config, "epsilon")
    if optimizer_name(run) not in ADAM_LIKE or value is None or value < LARGE_EPSILON:
        return None
    text = f"epsilon={value:g} outweighs gradients smaller than itself; the default is 1e-7."
    return "epsilon_large", "epsilon", value, LARGE_EPSILON, text


def _decay(run: Run, config: Mapping) -> Risk | None:
    value, rate = _number(config, "weight_decay"), learning_rate(run)
    if value is None or value <= 0:
        return None
    per_step = value * rate if rate is not None else 0.0
    if per_step >= DECAY_PER_STEP:
        text = f"weight_decay={value:g} at a learning rate of {rate:g} takes {per_step:.2%} off every weight in a step."
        return "decay_large", "weight_decay", value, DECAY_PER_STEP / rate, text
    if value >= LARGE_DECAY and optimizer_name(run) != "Lion":
        text = f"weight_decay={value:g} is above what trainings usually take (up to 0.3)."
        return "decay_large", "weight_decay", value, LARGE_DECAY, text
    return None


def _shrinking(run: Run, config: Mapping) -> Risk | None:
    rate, name = learning_rate(run), optimizer_name(run)
    low, published = SHRINKING_RATE.get(name, (0.0, 0.0))
    if rate is None or not 0 < rate <= low:
        return None
    text = f"{name} with a learning rate of {rate:g}: the method was published with {published:g}."
    return "rate_of_another_optimizer", "learning_rate", rate, low, text


def _number(config: Mapping, name: str) -> float | None:
    value = config.get(name)
    return None if isinstance(value, bool) else finite(value)
