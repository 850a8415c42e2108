"""Is the loop that began a training still running, and what else does it tell? Keras tells a callback neither."""

import inspect
import sys
import threading
from types import FrameType
from typing import Any

import keras


class Loop:
    """The function whose callbacks are told that a training begins; to be made in a callback's on_train_begin."""

    def __init__(self) -> None:
        frame = _loop_frame()
        self._thread = threading.get_ident()
        self._code, self._id = frame.f_code, id(frame)  # the frame itself would keep the training's data alive

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loop) and vars(self) == vars(other)

    __hash__ = None

    def is_running(self) -> bool:
        """To be asked in a callback, or anywhere else below or beside the loop."""
        return self._is_among(inspect.currentframe())

    def is_around_this_one(self) -> bool:
        """Whether a loop that tells its callbacks right now that it begins is inside of this one.

        Its own frame may stand where that of a loop stood which has raised.
        """
        return self._is_among(_loop_frame().f_back)

    def _is_among(self, frame: FrameType | None) -> bool:
        if self._thread != threading.get_ident():
            frame = sys._current_frames().get(self._thread)
        while frame is not None and not (id(frame) == self._id and frame.f_code is self._code):
            frame = frame.f_back
        return frame is not None


def callbacks_told() -> list[Any]:
    """All callbacks that the loop tells right now that it begins; to be asked in a callback's on_train_begin."""
    frame, last = inspect.currentframe(), _loop_frame()
    while frame is not None and frame is not last:
        teller = frame.f_locals.get("self") if frame.f_code.co_name == "on_train_begin" else None
        if isinstance(teller, keras.callbacks.CallbackList):
            return list(teller.callbacks)
        frame = frame.f_back
    return []


def _loop_frame() -> FrameType:
    """The first caller that is neither of ours nor hands on_train_begin on."""
    frame = inspect.currentframe()
    while frame.f_back is not None and (
        frame.f_globals.get("__name__", "").startswith("tb_lossdiag.") or frame.f_code.co_name == "on_train_begin"
    ):
        frame = frame.f_back
    return frame
