"""Checks what a request asks for; what is wrong with it is refused with the offending name or value."""

from collections.abc import Collection

from tensorboard import errors
from werkzeug.wrappers import Request

MAX_COMPARED = 8  # runs side by side: more columns than that nobody reads
MAX_ROW_DIGITS = 9  # a card of more rows fits no log
MAX_WIDTH = 4096  # columns of a matrix; a request for more is a mistake
MAX_STEP_DIGITS = 18  # of a step in a request: whatever fits into 64 bits


def check_names(request: Request, known: Collection[str], repeated: Collection[str] = ()) -> None:
    """Refuses a parameter that is not known, and one that is given twice and is not among `repeated`."""
    for name, values in request.args.lists():
        if name not in known:
            raise errors.InvalidArgumentError(f"unknown parameter {name!r}")
        if len(values) > 1 and name not in repeated:
            raise errors.InvalidArgumentError(f"parameter {name!r} is given {len(values)} times")


def parameter(request: Request, name: str) -> str:
    value = request.args.get(name)
    if not value:
        raise errors.InvalidArgumentError(f"parameter {name!r} is missing")
    return value


def compared(request: Request, most: int) -> list[str]:
    """The names of two or more different runs, the baseline first."""
    names = [name for name in request.args.getlist("run") if name]
    if not 2 <= len(names) <= most:
        wanted = "2" if most == 2 else f"2 to {most}"
        raise errors.InvalidArgumentError(f"{len(names)} runs are named with 'run', expected {wanted}")
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise errors.InvalidArgumentError(f"run {repeated!r} is named twice")
    return names


def row(request: Request) -> int:
    text = parameter(request, "row")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_ROW_DIGITS):
        raise errors.InvalidArgumentError(f"row {text!r} is not the index of a row")
    return int(text)


def width(request: Request) -> int:
    text = parameter(request, "width")
    columns = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_WIDTH)) else 0
    if not 1 <= columns <= MAX_WIDTH:
        raise errors.InvalidArgumentError(f"width {text!r} is not a whole number from 1 to {MAX_WIDTH}")
    return columns


def window(request: Request) -> tuple[int, int] | None:
    """The steps first … last that are asked for; None for all of them."""
    if "first" not in request.args and "last" not in request.args:
        return None
    first, last = (_step(name, parameter(request, name)) for name in ("first", "last"))
    if first > last:
        raise errors.InvalidArgumentError(f"first {first} comes after last {last}")
    return first, last


def _step(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_STEP_DIGITS):
        raise errors.InvalidArgumentError(f"{name} {text!r} is not a step: a whole number, not negative")
    return int(text)
