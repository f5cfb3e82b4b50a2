"""Asks an address whether a service is well: `python -m deploy.probe http://127.0.0.1:8101/readyz`.

A container's health check runs it every few seconds, so it loads the standard library only.
"""

import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

_SECONDS = 5.0


def is_well(address: str, *, within: float = _SECONDS) -> bool:
    """Tell whether an http address answers 200 within so many seconds."""
    asked = urlsplit(address)
    connection = HTTPConnection(asked.hostname or "", asked.port, timeout=within)
    try:
        connection.request("GET", asked.path or "/")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_well(sys.argv[1]) else 1)
