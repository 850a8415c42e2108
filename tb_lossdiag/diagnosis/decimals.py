"""How is a number written in a sentence, so that a reader can take it in? Two decimals, percents, times; all bounded.

Beyond a bound the size itself says nothing more: "more than 1000 %" is read, "-2259.7 %" is puzzled over.
"""

# Ten times as much, or a skill of ten constant guesses below one: what is further off is off.
MOST_SHARE = 10.0
LEAST_SKILL = -10.0
MOST_TIMES = 1e6


def two_decimals(number: float) -> str:
    return f"{round(float(number), 2) + 0.0:.2f}"  # Python 3.10 has no format for it


def skill_text(skill: float) -> str:
    """A skill is 1 at most; far below a constant guess it is only that."""
    return two_decimals(skill) if not skill < LEAST_SKILL else f"below {LEAST_SKILL:.0f}"


def percent(share: float, digits: int = 0, signed: bool = False) -> str:
    """12%, or with `signed` +12.0%; a share beyond ten times is only called so."""
    if abs(share) > MOST_SHARE:
        return f"{'more' if share > 0 else 'less'} than {'-' if share < 0 else ''}{MOST_SHARE:.0%}"
    return f"{share:+.{digits}%}" if signed else f"{share:.{digits}%}"


def times(factor: float) -> str:
    """3.14, or more than a million."""
    return f"{factor:.3g}" if abs(factor) <= MOST_TIMES else f"more than {MOST_TIMES:,.0f}"
