"""A look at a service from outside: whether its page on loopback answers 200.

Invariant: a probe takes no longer than it is allowed, follows no redirect and uses no proxy.
"""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

WITHIN = 2.0
"""Seconds until a service that does not answer counts as not ready."""


def answers(url: str, within: float = WITHIN) -> str:
    """Empty when the page answers 200, else why not, in a clause."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=within)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        answer.read(1024)
    except TimeoutError:
        return f"{url} does not answer within {within:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"{url} does not answer ({getattr(error, 'strerror', None) or type(error).__name__})"
    finally:
        connection.close()
    return "" if answer.status == 200 else f"{url} answers {answer.status}"
