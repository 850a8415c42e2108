"""Which trainings is a diagnosis scored on? Sick ones with one known fault each and healthy ones; see zoo.py."""
