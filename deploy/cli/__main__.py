"""Run the command line: `python -m deploy.cli`, which is what `./corpu` does."""

import sys

if __name__ == "__main__":
    try:
        # Imported here because Ctrl-C may come while this still loads.
        from deploy.cli.app import main

        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
