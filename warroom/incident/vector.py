"""A persistent sequence: an immutable value whose append and replace cost the same at any length.

Invariant: a `Vector` once made never changes; versions share all chunks but the touched one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar, overload

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_WIDTH = 256


class Vector(Sequence[T_co]):
    """An immutable sequence of chunks of 256; equality is identity, so that comparing states is cheap."""

    __slots__ = ("_chunks", "_length")

    _chunks: tuple[tuple[T_co, ...], ...]
    _length: int

    def __init__(self, items: Iterable[T_co] = ()) -> None:
        flat = tuple(items)
        self._chunks = tuple(flat[i : i + _WIDTH] for i in range(0, len(flat), _WIDTH))
        self._length = len(flat)

    @classmethod
    def _of(cls, chunks: tuple[tuple[T_co, ...], ...], length: int) -> Vector[T_co]:
        made = cls.__new__(cls)
        made._chunks = chunks
        made._length = length
        return made

    def append(self: Vector[T], item: T) -> Vector[T]:
        """A vector with `item` at the end."""
        if self._length % _WIDTH == 0:
            return self._of((*self._chunks, (item,)), self._length + 1)
        return self._of((*self._chunks[:-1], (*self._chunks[-1], item)), self._length + 1)

    def replace(self: Vector[T], index: int, item: T) -> Vector[T]:
        """A vector with `item` at `index`.

        Raises:
            IndexError: `index` is not within 0 to len - 1.
        """
        if not 0 <= index < self._length:
            raise IndexError(index)
        number, offset = divmod(index, _WIDTH)
        chunk = self._chunks[number]
        chunk = (*chunk[:offset], item, *chunk[offset + 1 :])
        return self._of((*self._chunks[:number], chunk, *self._chunks[number + 1 :]), self._length)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T_co, ...]: ...
    def __getitem__(self, index: int | slice) -> T_co | tuple[T_co, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self._length)))
        if index < 0:
            index += self._length
        if not 0 <= index < self._length:
            raise IndexError(index)
        number, offset = divmod(index, _WIDTH)
        return self._chunks[number][offset]

    def __iter__(self) -> Iterator[T_co]:
        for chunk in self._chunks:
            yield from chunk

    def __repr__(self) -> str:
        return f"Vector({list(self)!r})"
