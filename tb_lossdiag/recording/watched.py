"""How is a step function of the user's own run: as it is, or as its twin that also tells what happened inside?"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import keras

from tb_lossdiag.recording.draws import OWN_STATE, KeepsRandomState, draws, seeds
from tb_lossdiag.recording.packer import Packer
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.tensorflow_private import is_compiled
from tb_lossdiag.recording.twin import has_run, run_twin, traced, twin_of


class WatchedStep:
    """step: the user's function. packer: of its twin, which takes every step where the packer has a gate."""

    def __init__(self, step: Callable, model: keras.Model, optimizer: Any, packer: Packer) -> None:
        self.step = step
        self.packer = packer
        self._twin = twin_of(step, model, optimizer, packer)
        self._refusal: str | None = None
        self._is_known = False

    def refusal(self, args: tuple, kwargs: Mapping[str, Any]) -> str | None:
        """Why no step of it may be sampled, mostly None. Traces it before its first call and looks at what it draws."""
        if not self._is_known:
            self._is_known = True
            has_run_before, graph = has_run(self.step), None
            if not hasattr(self.step, "python_function") or not is_compiled(self.step):
                with suppress(Exception):  # the user's, which is raised when the step is run
                    graph = traced(self.step, *args, **kwargs)
            found = () if graph is None else draws(graph)
            if found and has_run_before:
                self._refusal = f"{', '.join(found)} {OWN_STATE}"
            elif found:
                self.packer.seeds = seeds(graph)
                self.packer.take_every_step()
        return self._refusal

    def unrecorded(self, args: tuple, kwargs: Mapping[str, Any]) -> Any:
        """What the step returns, as it would be without us."""
        if self.packer.gate is None:
            return self.step(*args, **kwargs)
        self.packer.gate.set(False)
        return self._twin(*args, **kwargs)[0]

    def observed(self, recorder: Recorder, args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, Any] | None:
        """(what the step returns, packed numbers); None where the twin failed through us, and took no step."""
        try:
            return run_twin(self._twin, self.packer, recorder, *args, **kwargs)
        except KeepsRandomState:  # for arguments of another kind than before
            self._refusal, self.packer.gate = self.packer.refusal, None
            recorder.sample_no_more(self._refusal)
            return None
