"""Run the command line: `python -m deploy.cli`, which is what `./corpu` does."""

import sys

from deploy.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
