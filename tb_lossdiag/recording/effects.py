"""Does a function of the user's own do anything beside computing its result? Read from its code, without calling it.

A loss is called again on other outputs. One that counts its calls, fills a list or prints would do so again, and may
compute something else next time. What is found here is what Python does; what a framework's operations do, a trace
shows. Code of libraries is not looked into.
"""

import dis
import functools
import inspect
import logging
import random
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

MAX_FUNCTIONS = 200  # looked into: a loss has a few, and who calls a whole program in one is left alone
PRINTS, COUNTS, DRAWS = "the loss prints", "the loss changes what outlasts its call", "the loss draws random numbers"
UNKNOWN = "the loss calls too many functions to be looked into"

_LIBRARIES = frozenset(("keras", "tf_keras", "tensorflow", "jax", "jaxlib", "torch", "numpy", "scipy", "builtins"))
_STANDARD = frozenset(("functools", "itertools", "math", "operator", "typing", "collections", "contextlib", "enum"))
_SPEAKING = (print, input, open)
_DOING = (exec, eval, setattr, delattr, next, __import__)
_CHANGING = frozenset(
    (
        *("append", "appendleft", "extend", "insert", "add", "update", "pop", "popleft", "popitem", "clear", "remove"),
        *("setdefault", "write", "writelines", "put", "send", "sort", "reverse", "subtract"),
        *("assign", "assign_add", "assign_sub", "update_state", "reset_state", "reset_states"),
    )
)
_CONTAINERS = (list, dict, set, bytearray, deque, np.ndarray)
_CALLED = ("call", "__call__", "forward")
# Instructions that load nothing, and may stand between a load and what is done with it.
_BETWEEN = frozenset(
    (
        *("PUSH_NULL", "COPY", "SWAP", "DUP_TOP", "DUP_TOP_TWO", "ROT_TWO", "ROT_THREE", "NOP", "EXTENDED_ARG"),
        *("CACHE", "RESUME", "PRECALL"),
    )
)


class _Own:
    """What stands for a value that belongs to the call: an argument, or what was computed in it."""


_OWN = _Own()


@dataclass(frozen=True)
class _Body:
    """A function's code, and what its names stand for. owner: what its first argument is, None where that is open."""

    code: CodeType
    names: Mapping[str, Any]
    around: Mapping[str, Any]
    owner: Any = None


def effect_of(function: Any) -> str | None:
    """A clause about what it does beside computing; None where nothing was found."""
    left, entered = list(_bodies(function)), set()
    while left:
        body = left.pop()
        if body.code in entered:
            continue
        entered.add(body.code)
        if len(entered) > MAX_FUNCTIONS:
            return UNKNOWN
        found = _effect(body, left)
        if found is not None:
            return found
    return None


@contextmanager
def unmoved() -> Iterator[list[bool]]:
    """Python's and numpy's random numbers are after the block what they were before; the list then says whether the
    block had drawn from them.
    """
    python, numpy, drew = random.getstate(), np.random.get_state(), []
    try:
        yield drew
    finally:
        now = np.random.get_state()
        same = now[2:] == numpy[2:] and np.array_equal(now[1], numpy[1]) and random.getstate() == python
        if not same:
            random.setstate(python)
            np.random.set_state(numpy)
        drew.append(not same)


def _bodies(called: Any) -> Iterator[_Body]:
    """Of what may be called, as far as it is the user's own."""
    owner = None
    while True:
        if isinstance(called, functools.partial):
            called = called.func
        elif isinstance(called, MethodType):
            owner, called = called.__self__, called.__func__
        elif not isinstance(called, FunctionType) and hasattr(called, "python_function"):
            called = called.python_function  # of a tf.function
        else:
            break
    if isinstance(called, FunctionType):
        called = _unhooked(called)
        if not _is_librarys(called):
            yield _body(called, owner)
            if hasattr(called, "__wrapped__"):
                yield from _bodies(called.__wrapped__)
    elif not isinstance(called, (type, ModuleType)):
        inner = vars(called).get("fn") if hasattr(called, "__dict__") else None  # of a Keras loss made of a function
        if callable(inner):
            yield from _bodies(inner)
        for kind in type(called).__mro__:
            for name in _CALLED:
                method = vars(kind).get(name)
                if isinstance(method, FunctionType) and not _is_librarys(_unhooked(method)):
                    yield _body(_unhooked(method), called)


def _body(function: FunctionType, owner: Any) -> _Body:
    around = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            around[name] = cell.cell_contents
        except ValueError:  # not filled yet
            around[name] = _OWN
    return _Body(function.__code__, function.__globals__, around, owner)


def _unhooked(function: FunctionType) -> FunctionType:
    """What stood there before one of our own hooks."""
    while function.__globals__.get("__name__", "").startswith("tb_lossdiag.") and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _is_librarys(function: FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in _LIBRARIES | _STANDARD


def _effect(body: _Body, left: list[_Body]) -> str | None:
    """What one function does by itself; whatever it may call is added to `left`."""
    code = body.code
    first = code.co_varnames[0] if body.owner is not None and code.co_argcount else None
    loaded, holds_container, stores_item = _OWN, False, False
    left += [_Body(x, body.names, body.around) for x in code.co_consts if isinstance(x, CodeType)]
    for step in dis.get_instructions(code):
        name, argument = step.opname, step.argval
        if name in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            return COUNTS
        if name in ("STORE_DEREF", "DELETE_DEREF") and argument in code.co_freevars:
            return COUNTS
        if name in ("STORE_ATTR", "DELETE_ATTR") and loaded is not _OWN:
            return COUNTS
        stores_item |= name in ("STORE_SUBSCR", "DELETE_SUBSCR")
        if name in _BETWEEN:
            continue
        before, loaded = loaded, _OWN
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            loaded = body.names.get(argument, _builtin(body.names, argument))
        elif name in ("LOAD_DEREF", "LOAD_CLASSDEREF"):
            loaded = body.around.get(argument, _OWN)
        elif name.startswith("LOAD_FAST"):
            last = argument[-1] if isinstance(argument, tuple) else argument  # some versions load two at once
            loaded = body.owner if first is not None and last == first else _OWN
        elif name in ("LOAD_ATTR", "LOAD_METHOD") and before is not _OWN:
            if _changes(before, argument):
                return COUNTS
            loaded = _attribute(before, argument)
        if loaded is _OWN:
            continue
        if any(loaded is one for one in _SPEAKING) or isinstance(loaded, logging.Logger) or loaded is logging:
            return PRINTS
        if any(loaded is one for one in _DOING):
            return COUNTS
        holds_container |= isinstance(loaded, _CONTAINERS) or loaded is body.owner
        if callable(loaded):
            left += _bodies(loaded)
    return COUNTS if stores_item and holds_container else None


def _changes(owner: Any, name: str) -> bool:
    """Whether a method of this name changes what it is called on: "append", or torch's "add_"."""
    if isinstance(owner, (ModuleType, type)):
        return False
    in_place = name.endswith("_") and not name.startswith("_") and not name.endswith("__")
    return name in _CHANGING or in_place


def _attribute(owner: Any, name: str) -> Any:
    """Without running a property of the user's."""
    if isinstance(owner, ModuleType):
        return getattr(owner, name, _OWN)
    value = inspect.getattr_static(owner, name, _OWN)
    is_method = isinstance(value, FunctionType) and name not in getattr(owner, "__dict__", {})
    if is_method and not isinstance(owner, type):
        return MethodType(value, owner)
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    return _OWN if isinstance(value, property) else value


def _builtin(names: Mapping[str, Any], name: str) -> Any:
    builtins = names.get("__builtins__", {})
    known = builtins if isinstance(builtins, Mapping) else vars(builtins)
    return known.get(name, _OWN)
