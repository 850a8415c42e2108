"""python3 demo: train a healthy run and ten sick ones, print what the diagnosis says, open TensorBoard at the tab.

--no-serve stops after the table. The exit status is 1 when the diagnosis disagrees with a training's declared cause.
"""

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import bootstrap  # noqa: E402  the path above makes it importable

LOGS = HERE / "logs"


def main() -> int:
    ask = argparse.ArgumentParser(prog="python3 demo", description=__doc__)
    ask.add_argument("--no-serve", action="store_true", help="stop after the table")
    options = ask.parse_args()
    bootstrap.inside("demo")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

    import verdicts

    right = verdicts.train_and_judge(LOGS)
    if not options.no_serve:
        import serve

        serve.open_tab(LOGS)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
