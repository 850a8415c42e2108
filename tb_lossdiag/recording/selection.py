"""Which layers are recorded? All, or those whose paths match, and never more than a reader can take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

# Rows of one layer table: at 2,000 records a float32 table of these and 17 columns is 270 MB in a reader's memory.
MAX_ROWS = 2000


@dataclass(frozen=True)
class Selection:
    """include, exclude: patterns of layer paths such as "encoder/*".

    A layer has to match one of the first, if there are any, and none of the second. What spans all layers, such as the
    global gradient norm, still counts every variable.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        wanted = not self.include or any(fnmatchcase(path, pattern) for pattern in self.include)
        return wanted and not any(fnmatchcase(path, pattern) for pattern in self.exclude)

    def checked(self, paths: Iterable[str]) -> None:
        """Raises ValueError naming the first pattern that matches no layer."""
        known = list(paths)
        for name in ("include", "exclude"):
            for pattern in getattr(self, name):
                if not any(fnmatchcase(path, pattern) for path in known):
                    raise ValueError(f"{name}={pattern!r} matches no layer; there are {', '.join(known[:20])}")


def selection(include: str | Sequence[str] | None, exclude: str | Sequence[str] | None) -> Selection:
    """Raises TypeError for what is neither a pattern nor a sequence of patterns."""
    return Selection(_patterns("include", include), _patterns("exclude", exclude))


def _patterns(name: str, value: str | Sequence[str] | None) -> tuple[str, ...]:
    patterns = (value,) if isinstance(value, str) else () if value is None else value
    if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f'{name}={value!r}: expected a pattern of layer paths such as "encoder/*", or a list of them')
    return tuple(patterns)


def spread(rows: Sequence[str], most: int = MAX_ROWS) -> set[str]:
    """So many of these, spread evenly, the first and the last among them."""
    if len(rows) <= most:
        return set(rows)
    return {rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)}
