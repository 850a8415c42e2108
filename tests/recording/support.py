"""What is the README's support table? The ways that the tests train, written out.

.venv/bin/python tests/recording/support.py
"""

import sys
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- support: python tests/recording/support.py -->", "<!-- support end -->"
TITLES = {
    "optimizer": "Optimizers",
    "precision": "Precision",
    "step": "Train step",
    "model": "Models",
    "layer": "Layers",
    "data": "Data",
    "fit": "Fit",
    "chance": "Random numbers",
    "XLA": "Of these under XLA",
    "distributed": "Replicas and processes",
}


def table() -> str:
    from recording import distributed, trainings

    lines = ["| | recorded, with the same bits as without | fails without us |", "| --- | --- | --- |"]
    for group, ways in groupby((*trainings.WAYS, *distributed.WAYS), key=lambda way: way.group):
        ways = list(ways)
        works = ", ".join(way.name for way in ways if not way.fails)
        fails = "; ".join(f"{way.name} (“… {way.fails} …”)" for way in ways if way.fails)
        lines.append(f"| {TITLES[group]} | {works} | {fails} |")
    return "\n".join(lines)


def published() -> str:
    """The table that the README has."""
    text = README.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def main() -> None:
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    text = README.read_text()
    README.write_text(f"{text[: text.index(BEGIN)]}{BEGIN}\n\n{table()}\n\n{text[text.index(END) :]}")


if __name__ == "__main__":
    main()
