"""Say in words what a model's fields take, from the annotations as they are written.

Invariant: nothing is written twice; a field, a bound or a default that changes in the code changes here.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

_PLAIN = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Any": "any JSON",
    "AwareDatetime": "time",
}
_POWERS = {ast.Pow: operator.pow, ast.Mult: operator.mul}
_LARGE = {2**53: "2^53", 10**15: "10^15"}


def fields(model: type[BaseModel], leave_out: Iterable[str] = ("type", "t")) -> str:
    """The fields of a model, `name: kind`, with `= default` where it may be left out."""
    said = []
    for name, annotation in _annotations(model).items():
        if name in leave_out or name not in model.model_fields:
            continue
        said.append(f"`{name}`: {kind(annotation)}{_default(model, name)}")
    return "; ".join(said) or "none"


def kind(annotation: str) -> str:
    """What an annotation takes, in words: `Annotated[int, Field(ge=1)] | None` is `whole number from 1, or null`."""
    return _kind(ast.parse(annotation, mode="eval").body)


def _annotations(model: type[BaseModel]) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        found |= {name: text for name, text in vars(cls).get("__annotations__", {}).items() if isinstance(text, str)}
    return found


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return ""
    value = field.default if field.default is not PydanticUndefined else field.default_factory()  # type: ignore
    if value is None:
        return " (optional)"
    if isinstance(value, BaseModel):
        return ""
    if value in ("", (), [], {}):
        return " = empty"
    return f" = {str(value).lower() if isinstance(value, bool) else value}"


def _kind(node: ast.expr) -> str:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return f"{_kind(left)}, or null"
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return f"{_kind(left)} or {_kind(right)}"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _PLAIN.get(name) or _spaced(name)
        case ast.Subscript(value=ast.Name(id=outer), slice=inner):
            return _generic(outer, inner.elts if isinstance(inner, ast.Tuple) else [inner])
    raise ValueError(f"no words for {ast.unparse(node)}")


def _generic(outer: str, inner: list[ast.expr]) -> str:
    if outer == "Literal":
        *most, last = [_literal(one) for one in inner]
        return f"{', '.join(most)} or {last}" if most else last
    if outer == "dict":
        return "object"
    if outer == "Annotated":
        return _bounded(_kind(inner[0]), inner[1:])
    if outer == "tuple" and not (isinstance(inner[-1], ast.Constant) and inner[-1].value is ...):
        return f"list of {len(inner)}: {', '.join(_kind(one) for one in inner)}"
    return f"list of {_kind(inner[0])}"


def _bounded(base: str, constraints: list[ast.expr]) -> str:
    bounds: dict[str, Any] = {}
    for one in constraints:
        if isinstance(one, ast.Call):
            bounds |= {word.arg: _value(word.value) for word in one.keywords if word.arg}
    unit = "" if base.startswith("list") else " characters"
    least, most = bounds.get("ge", bounds.get("min_length")), bounds.get("le", bounds.get("max_length"))
    if "pattern" in bounds:
        return f"`{bounds['pattern']}`".replace("|", "\\|")
    if "gt" in bounds:
        return f"{base} above {bounds['gt']} to {_number(most)}"
    if "ge" in bounds or "le" in bounds:
        return f"{base} {_number(least)} to {_number(most)}" if most is not None else f"{base} from {least}"
    if least and most:
        return f"{base}, {least} to {_number(most)}{unit}"
    return f"{base}, at most {_number(most)}{unit}" if most is not None else base


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp):
        return _POWERS[type(node.op)](_value(node.left), _value(node.right))  # type: ignore[index]
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand)
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        from warroom.server import ask_alerts, ask_logs, requests

        rooms = (requests, ask_alerts, ask_logs)
        found = next((getattr(room, node.id) for room in rooms if hasattr(room, node.id)), None)
        return found or __import__("warroom.wire.messages").wire.messages.CLIENT_ID
    raise ValueError(f"no value for {ast.unparse(node)}")


def _literal(node: ast.expr) -> str:
    return f"`{node.value}`" if isinstance(node, ast.Constant) else f"`{getattr(node, 'attr', '').lower()}`"


def _number(value: int | None) -> str:
    return "" if value is None else _LARGE.get(value) or f"{value:,}"


def _spaced(name: str) -> str:
    """`PinnedPlaybook` is `pinned playbook`, `RecordDown` is `record`."""
    name = name.removesuffix("Down")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
