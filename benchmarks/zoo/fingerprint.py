"""Would recording this training again give another log? A digest of the recording's code and of the training itself.

A training is described by what it would run: the recipe's values, and the bytecode of the zoo's own functions with all
they refer to. So an edit re-records the trainings it touches, and a comment none.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

import tb_lossdiag
from benchmarks.zoo.training import Training

PACKAGE = Path(tb_lossdiag.__file__).parent
OWN = "benchmarks.zoo"


def fingerprint(training: Training) -> str:
    digest = hashlib.sha256(recording_sources())
    for line in described(training.train, set()):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:16]


@cache
def recording_sources() -> bytes:
    rooms = ("recording", "torch")
    files = [PACKAGE / "schema.py", *sorted(file for room in rooms for file in (PACKAGE / room).rglob("*.py"))]
    return b"\n".join(file.read_bytes() for file in files)


def described(value: Any, seen: set[int]) -> Iterator[str]:
    """Lines that are the same in every process as long as the value does the same."""
    if isinstance(value, partial):
        yield "partial"
        yield from described((value.func, value.args, value.keywords), seen)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield f"{key}:"
            yield from described(value[key], seen)
    elif isinstance(value, (list, tuple)):
        yield f"{type(value).__name__} {len(value)}"
        for part in value:
            yield from described(part, seen)
    elif isinstance(value, np.ndarray):
        yield hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    elif isinstance(value, CodeType):
        yield value.co_code.hex()
        yield from described((value.co_names, value.co_consts), seen)
    elif is_dataclass(value) and not isinstance(value, type):
        yield type(value).__name__
        yield from described({field.name: getattr(value, field.name) for field in fields(value)}, seen)
    elif callable(value) and hasattr(value, "__wrapped__"):
        yield from described(value.__wrapped__, seen)
    elif isinstance(value, (FunctionType, type)):
        yield f"{value.__module__}.{value.__qualname__}"
        if value.__module__.startswith(OWN) and id(value) not in seen:
            seen.add(id(value))
            yield from _function(value, seen) if isinstance(value, FunctionType) else _class(value, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__
    elif hasattr(value, "get_config"):
        yield type(value).__name__
        yield from described(value.get_config(), seen)
    elif isinstance(value, (frozenset, set)):
        yield from described(sorted(value, key=repr), seen)
    else:
        yield repr(value)


def _function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    code = function.__code__
    if function.__doc__ is not None:
        code = code.replace(co_consts=(None, *code.co_consts[1:]))
    yield from described((code, function.__defaults__, function.__kwdefaults__), seen)
    for cell in function.__closure__ or ():
        yield from described(cell.cell_contents, seen)
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield from described(function.__globals__[name], seen)
        # An attribute of an own module, such as data.digits.
        for module in _own_modules(function):
            if hasattr(module, name):
                yield from described(getattr(module, name), seen)


def _class(kind: type, seen: set[int]) -> Iterator[str]:
    for name, member in sorted(vars(kind).items()):
        if (isinstance(member, FunctionType) and not name.startswith("__")) or name in ("__init__", "__call__"):
            yield from described(member, seen)


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _own_modules(function: FunctionType) -> list[ModuleType]:
    values = [function.__globals__[name] for name in sorted(_names(function.__code__)) if name in function.__globals__]
    return [value for value in values if isinstance(value, ModuleType) and value.__name__.startswith(OWN)]
