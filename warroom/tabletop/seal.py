"""The truth under a seal: its hash is shown when an exercise begins, its key when it ends.

What the facilitator changes by hand goes into the log encrypted under the same key, so that players cannot read it
while they play and anybody can check the score afterwards.

Invariant: the same content under the same key gives the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warroom.tabletop.sealed import Sealed

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MOST: Final = 11_000


class SealError(ValueError):
    """Something sealed that cannot be opened, in one sentence."""


def canonical_json(sealed: Sealed) -> bytes:
    """The one encoding of a truth: sorted keys, no spaces, UTF-8; durations in seconds."""
    return _canonical(sealed.model_dump(mode="json", by_alias=True))


def truth_of(key: bytes, sealed: Sealed) -> str:
    """SHA-256 of the key and the truth, 64 hexadecimal digits. The key keeps short truths from being guessed."""
    if len(key) != KEY_BYTES:
        raise SealError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return hashlib.sha256(key + canonical_json(sealed)).hexdigest()


def fits(key: bytes, sealed: Sealed, truth: str) -> bool:
    """Whether the truth that was shown as a hash is this one under this key."""
    return len(key) == KEY_BYTES and hmac.compare_digest(truth_of(key, sealed), truth.lower())


def key_of_seed(digest: str, seed: int) -> bytes:
    """The key of an exercise that has to come out the same each time: from the scenario's digest and the seed."""
    return hashlib.sha256(f"warroom exercise key\n{digest}\n{seed}".encode()).digest()


def seal_change(key: bytes, content: Mapping[str, Any]) -> str:
    """A change by hand, readable with the key alone: base64 of nonce and AES-256-GCM.

    The nonce is made of the content itself, so that two contents never share one.

    Raises:
        SealError: the content is too large.
    """
    plain = _canonical(content)
    if len(plain) > _MOST:
        raise SealError(f"a change of {len(plain)} bytes is larger than {_MOST}; make it in several")
    nonce = hmac.new(key, b"nonce\n" + plain, hashlib.sha256).digest()[:_NONCE_BYTES]
    return base64.urlsafe_b64encode(nonce + AESGCM(_cipher_key(key)).encrypt(nonce, plain, None)).decode()


def open_change(key: bytes, sealed: str) -> dict[str, Any]:
    """What `seal_change` sealed.

    Raises:
        SealError: another key, or not whole.
    """
    try:
        raw = base64.urlsafe_b64decode(sealed)
        plain = AESGCM(_cipher_key(key)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        content = json.loads(plain)
    except (binascii.Error, InvalidTag, ValueError):
        raise SealError("a change made by hand cannot be read with this key, or is not whole") from None
    if not isinstance(content, dict):
        raise SealError("a change made by hand is not a mapping")
    return content


def _cipher_key(key: bytes) -> bytes:
    return hmac.new(key, b"change", hashlib.sha256).digest()


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
