"""How often was a cause right when it was named first? Measured on the tuning half of the zoo, sick and healthy runs.

Written by `python -m benchmarks.zoo.calibrate`: (cause, confidence) -> (times right, times named first).
"""

RIGHT = {}
