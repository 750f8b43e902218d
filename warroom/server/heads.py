"""Signed heads: what the server cannot take back about a log.

A chain alone shows neither a cut end nor a whole rewrite; a signature over (incident, seq, hash) that left the server
does. Invariant: the private key never leaves its file, which only its owner can read.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from warroom.incident.chain import sign_head
from warroom.server.settings import ServerSettings
from warroom.store.port import EventStore

KEY_FILE = "heads.key"


class KeyTrouble(RuntimeError):
    """The signing key cannot be used; the sentence says what to do."""


class HeadSigner:
    """Signs heads that moved since they were signed last."""

    def __init__(self, store: EventStore, settings: ServerSettings) -> None:
        """
        Raises:
            KeyTrouble: the key's file is there but no key.
        """
        self._store = store
        self._clock = settings.clock
        self._key = load_key(settings.data_dir / KEY_FILE) if settings.data_dir else Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._signed: dict[str, int] = {}

    async def sign(self, incident: str) -> None:
        """Sign the head of one incident, if it moved."""
        head = await self._store.head(incident)
        if head.seq and self._signed.get(incident) != head.seq:
            signature = sign_head(self._key, incident, head.seq, head.hash)
            await self._store.put_signed_head(incident, head.seq, head.hash, signature, self._clock())
            self._signed[incident] = head.seq

    async def sign_all(self, incidents: dict[str, int]) -> None:
        """Sign each incident whose seq is not the one signed last."""
        for incident, seq in incidents.items():
            if self._signed.get(incident) != seq:
                await self.sign(incident)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The key in `path` (32 raw bytes), made at the first time with mode 0600.

    Raises:
        KeyTrouble: the file cannot be read or does not hold a key.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    except OSError as error:
        raise KeyTrouble(f"{path}: the key that signs logs cannot be written: {error.strerror}") from None
    key = Ed25519PrivateKey.generate()
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    return key


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KeyTrouble(f"{path}: the key that signs logs cannot be read: {error.strerror}") from None
    if len(data) != 32:
        raise KeyTrouble(f"{path}: is not a key (32 bytes); move it away and a new one is made")
    return Ed25519PrivateKey.from_private_bytes(data)
