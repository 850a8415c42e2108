"""How does a hook stand in place of an attribute, and how does it go again?"""

from collections.abc import Callable
from typing import Any

_ABSENT = object()


def patched(owner: Any, name: str, hook: Callable) -> Callable[[], None]:
    """Puts the hook in place of owner.name, of a class or an object; the answer puts back what was there."""
    before = vars(owner).get(name, _ABSENT)
    if isinstance(owner, type):
        setattr(owner, name, hook)
        return lambda: setattr(owner, name, before)
    vars(owner)[name] = hook  # past Keras's __setattr__, which tracks what it is given

    def undo() -> None:
        if before is _ABSENT:
            vars(owner).pop(name, None)
        else:
            vars(owner)[name] = before

    return undo
