"""What is a private name? One that a framework may take away without a word.

They stand in one file for each framework, keras_private.py, tensorflow_private.py, jax/private.py and torch/private.py,
and nowhere else; a test reads the sources, and another takes away one after the other.
"""

import sys
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

_REQUIRED = object()


class Gone(RuntimeError):
    """This version has no such name, and without it nothing can be recorded."""


@dataclass(frozen=True)
class Private:
    """A private name of a framework.

    name: "Layer._layers" for an attribute, "package.module.Thing" for what is imported. versions: which of those that
    were looked at have it. gone: what is done where it is not there.
    """

    framework: str
    name: str
    versions: str
    gone: str

    @cached_property
    def attribute(self) -> str:
        return self.name.rpartition(".")[2]

    def of(self, owner: Any, default: Any = _REQUIRED) -> Any:
        """The owner's attribute. Raises Gone where it has none and no default is given."""
        value = getattr(owner, self.attribute, default)
        return self._checked(value)

    def imported(self, default: Any = _REQUIRED) -> Any:
        """What the module has. Raises Gone where there is none and no default is given."""
        try:
            module = import_module(self.name.rpartition(".")[0])
        except ImportError:
            return self._checked(default)
        return self.of(module, default)

    def _checked(self, value: Any) -> Any:
        if value is not _REQUIRED:
            return value
        version = getattr(sys.modules.get(self.framework), "__version__", "")
        raise Gone(" ".join([self.framework, *version.split(), "has no", self.name]))
