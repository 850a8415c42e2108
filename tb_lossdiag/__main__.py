"""python -m tb_lossdiag is the command line."""

import sys

from tb_lossdiag.cli import main

if __name__ == "__main__":
    sys.exit(main())
