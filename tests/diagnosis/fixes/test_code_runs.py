"""Every line of code of every fix runs as it stands, in the user's own names, and leaves data that can be learned."""

import contextlib
import io

import numpy as np
import pytest
from diagnosis.fixes.small_trainings import PROGRAMS, Program
from diagnosis.test_framework import FAULTS, findings

from tb_lossdiag.diagnosis import diagnose_run, fixes
from tb_lossdiag.diagnosis.causes import CANDIDATES
from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.run import Run

# Of the rows: what a fix may leave out.
KEPT = 0.8
FIXES = tuple({candidate.fix.__name__: candidate.fix for candidate in CANDIDATES}.values())


def named(run: Run, faults: dict) -> Findings:
    """Every check found something at the layers that this model has."""
    f = findings(run, faults)
    kinds = {"architecture": ("Dropout",), "train_eval_gap": ("BatchNormalization",)}
    checks = {}
    for name, check in f.checks.items():
        layers = [one.path for one in run.card.layers if one.kind in kinds.get(name, (one.kind,))]
        signs = {"mean": 0.0, "std": 1.0} if name == "input_scale" else {}
        changed = [one for one in layers if name != "trainable" or not run.card.layer(one).trainable] or layers[:1]
        checks[name] = type(check)(
            check.id, check.title, "found", check.evidence, 0, tuple(changed), signs=(*signs.items(), *check.signs)
        )
    return Findings(run, checks, f.outcome)


def executed(code: str, user: dict) -> dict:
    """The user's names after these lines."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<fix>", "exec"), user)
    return user


def is_learnable(user: dict, rows: int) -> bool:
    x, y = np.asarray(user["x"]), np.asarray(user["y"])
    whole = len(x) == len(y) >= KEPT * rows
    return bool(whole and np.isfinite(x).all() and np.isfinite(y).all() and np.ptp(y) > 0 and np.ptp(x) > 0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(program, how it was trained) -> its run, recorded once."""
    known = {}

    def run(name: str, way: str) -> Run:
        if (name, way) not in known:
            known[name, way] = getattr(PROGRAMS[name], way)(tmp_path_factory.mktemp(f"{name}_{way}"))
        return known[name, way]

    return run


@pytest.mark.parametrize(("name", "way"), [
    *((name, "fitted") for name in PROGRAMS), ("dense", "looped"), ("subclassed", "looped"), ("own_loss", "looped"),
])  # fmt: skip
def test_the_code_of_every_fix_runs_and_keeps_the_data(runs, name, way):
    run, program, seen = runs(name, way), PROGRAMS[name], set()
    for faults in FAULTS:
        f = named(run, faults)
        for fix in FIXES:
            code = fixes.written(fix, f).code
            if code and code not in seen:
                seen.add(code)
                user = executed(code, program.names())
                kept = fix is fixes.check_labels or is_learnable(
                    user, len(program.data()[0])
                )  # labels are judged below
                assert kept, (fix.__name__, code)
                assert np.isfinite(np.asarray(user["model"](user["x"][:4]))).all(), (fix.__name__, code)
    assert len(seen) > 10


def spoiled(program: Program, x=lambda x: x, y=lambda y: y, **changes) -> Program:
    data = program.data

    def made():
        good, right = data()
        return x(good), y(right)

    return type(program)(**{**vars(program), "data": made, **changes})


def scattered(x):
    return np.where(np.random.default_rng(0).random(x.shape) < 0.2, np.float32(np.nan), x)


def few_rows(x):
    x = x.copy()
    x[::40] = np.inf
    return x


def whole_column(x):
    x = x.copy()
    x[:, 1] = np.nan
    return x


def prices(y):
    return np.exp(8 + numbers_like(y)).astype("float32")


def numbers_like(y):
    return np.random.default_rng(3).normal(size=(len(y), 1))


BINARY, DENSE, NUMBERS = PROGRAMS["recurrent"], PROGRAMS["dense"], PROGRAMS["convolutional"]
SPOILED = {
    "nan here and there": ("nonfinite_inputs", spoiled(DENSE, x=scattered)),
    "nan in a few rows": ("nonfinite_inputs", spoiled(DENSE, x=few_rows, epochs=4)),
    "a column of nan": ("nonfinite_inputs", spoiled(DENSE, x=whole_column)),
    "nan for a few targets": ("nonfinite_inputs", spoiled(NUMBERS, y=few_rows)),
    "labels of -1 and 1": ("invalid_labels", spoiled(BINARY, y=lambda y: 2 * y - 1)),
    "masks of 0 and 255": ("invalid_labels", spoiled(BINARY, y=lambda y: 255 * y)),
    "labels of 1 and 2": ("invalid_labels", spoiled(BINARY, y=lambda y: y + 1)),
    "prices for labels": ("invalid_labels", spoiled(BINARY, y=prices)),
    "classes for yes and no": ("invalid_labels", spoiled(BINARY, y=lambda y: np.arange(len(y)).reshape(-1, 1) % 5.0)),
    "labels divided by 255": ("invalid_labels", spoiled(DENSE, y=lambda y: (y / 255).astype("float32"))),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("kind", SPOILED)
def test_bad_data_are_mended_and_never_emptied_or_flattened(tmp_path, kind):
    cause, program = SPOILED[kind]
    found = {one.id: one for one in diagnose_run(program.fitted(tmp_path)).causes}
    assert cause in found
    user = program.names()
    code = found[cause].fix.code
    assert is_learnable(executed(code, user), len(program.data()[0])), code
    before = np.unique(program.data()[1][np.isfinite(program.data()[1])])
    assert len(np.unique(user["y"])) >= len(before), code
    loss = user["model"].evaluate(user["x"], user["y"], verbose=0, return_dict=True)["loss"]
    assert np.isfinite(loss) and loss >= 0, code
