"""All families of programs, and their trainings."""

from benchmarks.zoo.families.family import Family, trainings
from benchmarks.zoo.families.in_tensorflow import IN_TENSORFLOW
from benchmarks.zoo.families.in_torch import IN_TORCH
from benchmarks.zoo.training import Training

FAMILIES: tuple[Family, ...] = (*IN_TENSORFLOW, *IN_TORCH)
FAMILY_TRAININGS: tuple[Training, ...] = tuple(one for family in FAMILIES for one in trainings(family))
