"""Frozen dataclasses of this package from and to plain JSON values, for the wire and for the log.

Invariant: what `plain` gives, `read` turns into an equal value; anything else is a ValueError that names the field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import orjson

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Shape = TypeVar("Shape")


def plain(value: Any) -> Any:
    """A dataclass (or a sequence or mapping of them) as lists, dicts, numbers, texts and None."""
    return orjson.loads(orjson.dumps(value, default=_unnamed, option=orjson.OPT_NON_STR_KEYS))


def _unnamed(value: Any) -> Any:
    """A kind of tuple as a plain one."""
    if isinstance(value, tuple):
        return tuple(value)
    raise TypeError(f"{type(value).__name__} is no data")


def read(kind: type[Shape], said: Any) -> Shape:
    """The `kind` that these plain values are.

    Raises:
        ValueError: a field is missing or of another type; the text names it.
    """
    from pydantic import ValidationError

    try:
        found: Shape = _adapter(kind).validate_python(said)
    except ValidationError as wrong:
        complaint = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in complaint["loc"])
        raise ValueError(f"`{where}`: {complaint['msg']}") from None
    return found


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    # A console draws its first screen without pydantic; whoever reads an answer has it loaded already.
    from pydantic import TypeAdapter

    return _adapters.setdefault(kind, _adapters.get(kind) or TypeAdapter(kind))
