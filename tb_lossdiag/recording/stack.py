"""Where does each of many tensors stand, once they were put into few matrices? In a Stack."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Matrix = TypeVar("Matrix")


@dataclass(frozen=True)
class Stack(Generic[Matrix]):
    """matrices: of all tensors. members: which tensors are in each of them, in their order there."""

    matrices: tuple[Matrix, ...]
    members: tuple[tuple[int, ...], ...]

    def places(self) -> list[int]:
        """Of each tensor its place when the matrices' members stand one after the other."""
        order = [member for members in self.members for member in members]
        return [order.index(index) for index in range(len(order))]
