"""A store that is away, told from a question that is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from shared.kernel.errors import Unavailable

_REFUSED = {13: "grants no right to it", 18: "refuses the user name or the password"}


@contextmanager
def away() -> Iterator[None]:
    """Tell a store that is away from a question that is wrong."""
    try:
        yield
    except ConnectionFailure as gone:
        raise Unavailable(f"the store is away ({_cause(gone)})") from gone
    except PyMongoError as error:
        if isinstance(error, OperationFailure) and error.code in _REFUSED:
            raise Unavailable(f"the store {_REFUSED[error.code]}") from error
        if error.timeout or error.has_error_label("RetryableWriteError"):
            raise Unavailable("the store does not answer in time") from error
        raise


def _cause(gone: ConnectionFailure) -> str:
    """Tell a certificate that is not trusted from a server that is not there: the driver tries both for ever."""
    if "CERTIFICATE_VERIFY_FAILED" in str(gone):
        return "its certificate is not trusted"
    return type(gone).__name__
