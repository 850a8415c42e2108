"""How is a number of either sign written in a sentence? With two decimals, and never as -0.00."""


def two_decimals(number: float) -> str:
    return f"{round(float(number), 2) + 0.0:.2f}"  # Python 3.10 has no format for it
