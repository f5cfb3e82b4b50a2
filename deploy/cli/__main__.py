"""Run the command line: `python -m deploy.cli`, which is what `./corpu` does."""

import signal
import sys
from types import FrameType


def _end(_number: int, frame: FrameType | None) -> None:
    """Unwind on SIGTERM as on Ctrl-C, so that what was begun is ended, and drafts of personal data go."""
    hears = signal.getsignal(signal.SIGINT)
    (hears if callable(hears) else signal.default_int_handler)(signal.SIGINT, frame)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        # Imported here because Ctrl-C may come while this still loads.
        from deploy.cli.app import main

        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
