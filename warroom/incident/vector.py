"""A persistent sequence: an immutable value whose append and replace cost the same at any length.

Invariant: a `Vector` once made never changes; versions share all but the touched chunk and its group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar, overload

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

_WIDTH = 128
_GROUP = 64


class Vector(Sequence[T_co]):
    """An immutable sequence; equality is identity, so that comparing states is cheap.

    It holds groups of 64 chunks of 128 items, so an append copies some two hundred references at most, and at a
    million items some hundred more.
    """

    __slots__ = ("_groups", "_length")

    _groups: tuple[tuple[tuple[T_co, ...], ...], ...]
    _length: int

    def __init__(self, items: Iterable[T_co] = ()) -> None:
        flat = tuple(items)
        chunks = tuple(flat[i : i + _WIDTH] for i in range(0, len(flat), _WIDTH))
        self._groups = tuple(chunks[i : i + _GROUP] for i in range(0, len(chunks), _GROUP))
        self._length = len(flat)

    @classmethod
    def _of(cls, groups: tuple[tuple[tuple[T_co, ...], ...], ...], length: int) -> Vector[T_co]:
        made = cls.__new__(cls)
        made._groups = groups
        made._length = length
        return made

    def append(self: Vector[T], item: T) -> Vector[T]:
        """A vector with `item` at the end."""
        number, offset = divmod(self._length, _WIDTH)
        length = self._length + 1
        if offset == 0 and number % _GROUP == 0:
            return self._of((*self._groups, ((item,),)), length)
        last = self._groups[-1]
        last = (*last, (item,)) if offset == 0 else (*last[:-1], (*last[-1], item))
        return self._of((*self._groups[:-1], last), length)

    def replace(self: Vector[T], index: int, item: T) -> Vector[T]:
        """A vector with `item` at `index`.

        Raises:
            IndexError: `index` is not within 0 to len - 1.
        """
        if not 0 <= index < self._length:
            raise IndexError(index)
        number, offset = divmod(index, _WIDTH)
        place, number = divmod(number, _GROUP)
        group = self._groups[place]
        chunk = group[number]
        chunk = (*chunk[:offset], item, *chunk[offset + 1 :])
        group = (*group[:number], chunk, *group[number + 1 :])
        return self._of((*self._groups[:place], group, *self._groups[place + 1 :]), self._length)

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
        place, number = divmod(number, _GROUP)
        return self._groups[place][number][offset]

    def __iter__(self) -> Iterator[T_co]:
        return chain.from_iterable(chain.from_iterable(self._groups))

    def __repr__(self) -> str:
        return f"Vector({list(self)!r})"
