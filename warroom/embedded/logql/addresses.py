"""Network addresses in filters: one address, a range `a-b`, or a network in CIDR form."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

from warroom.embedded.logql.errors import ParseError

_V4 = re.compile(r"(?<![0-9.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9])", re.ASCII)
_V6 = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?![0-9A-Fa-f:])", re.ASCII)


@lru_cache(256)
def network_test(text: str) -> Callable[[str], bool]:
    """Whether an address lies where `text` says; what is no address lies nowhere.

    Raises:
        ParseError: `text` is none of the three forms.
    """
    try:
        first, last = _bounds(text)
    except ValueError:
        raise ParseError(f"ip: invalid pattern: {text}") from None

    def test(said: str) -> bool:
        try:
            address = ipaddress.ip_address(said)
        except ValueError:
            return False
        return address.version == first.version and int(first) <= int(address) <= int(last)

    return test


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _bounds(text: str) -> tuple[_Address, _Address]:
    if "/" in text:
        network = ipaddress.ip_network(text, strict=False)
        return network[0], network[-1]
    first, _, last = text.partition("-")
    low = ipaddress.ip_address(first)
    high = ipaddress.ip_address(last) if last else low
    if low.version != high.version or int(low) > int(high):
        raise ValueError(text)
    return low, high


def line_test(text: str) -> Callable[[str], bool]:
    """Whether a line has an address in it that lies where `text` says. Raises ParseError as `network_test`."""
    test = network_test(text)
    pattern = _V6 if ":" in text else _V4
    return lambda line: any(test(found) for found in pattern.findall(line))
