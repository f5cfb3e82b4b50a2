"""How a failure ends the command line: in one line and an exit status."""

import logging

from deploy.client import Declined
from deploy.embedded.node import Interrupted
from deploy.embedded.settings import NodeError

_FAILED, _DEFECT, _SIGNALLED = 1, 70, 128
_log = logging.getLogger(__name__)


def ending_of(failure: Exception) -> tuple[str, int]:
    """Tell the line to say and the status to exit with: 70 for what nobody foresaw."""
    match failure:
        case Interrupted():
            return "", _SIGNALLED + failure.number
        case NodeError() | Declined() | TimeoutError():
            return str(failure), _FAILED
        case OSError():
            place = f"{failure.filename}: " if failure.filename else ""
            return f"{place}{failure.strerror or failure}", _FAILED
        case _:
            _log.debug("a defect", exc_info=failure)
            where = _where(failure)
            return (
                f"this is our defect: {type(failure).__name__}: {_first_line(failure)}{where}",
                _DEFECT,
            )


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or ["no more is known"])[0]


def _where(failure: Exception) -> str:
    """Tell the place in our source, so that a report is worth something without a traceback."""
    last, here = None, failure.__traceback__
    while here is not None:
        last, here = here, here.tb_next
    return "" if last is None else f" ({last.tb_frame.f_code.co_filename}:{last.tb_lineno})"
