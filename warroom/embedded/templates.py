"""Templates of labels and annotations, filled in with an alert's labels and value.

Invariant: a template that was read (`Template`) fails only over values; what is wrong with it itself is said then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from warroom.embedded.template_functions import FUNCTIONS, Result, shown, truth
from warroom.embedded.template_parse import (
    Action,
    Block,
    Constant,
    Function,
    Nested,
    Node,
    Operand,
    Pipe,
    TemplateError,
    Text,
    parse,
)

__all__ = ["Ask", "Result", "Template", "TemplateError"]

Ask = Callable[[str], Sequence[Result]]
"""The answer to a query within a template."""

_OWN = ("query", "and", "or", "externalURL", "pathPrefix")
_MOST_WORDS = 100_000


class Template:
    """One text of a rule. Raises TemplateError when it cannot be read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._nodes = parse(source, {*FUNCTIONS, *_OWN})
        texts = [node.text for node in self._nodes if isinstance(node, Text)]
        self._plain = "".join(texts) if len(texts) == len(self._nodes) else None

    def fill(self, labels: Mapping[str, str], value: float, ask: Ask | None = None) -> str:
        """The text for these labels and this value; `ask` answers the queries within it. Raises TemplateError."""
        if self._plain is not None:
            return self._plain
        return _Filling(labels, value, ask).text(self._nodes)


class _Filling:
    """One evaluation: the variables as they stand, and what was written."""

    def __init__(self, labels: Mapping[str, str], value: float, ask: Ask | None) -> None:
        self._ask = ask
        data = {"Labels": labels, "Value": value, "ExternalLabels": {}, "ExternalURL": ""}
        self._scopes: list[dict[str, Any]] = [
            {"$": data, "$labels": labels, "$value": value, "$externalLabels": {}, "$externalURL": ""}
        ]
        self._dot: Any = data
        self._said: list[str] = []
        self._length = 0

    def text(self, nodes: Sequence[Node]) -> str:
        self._run(nodes)
        return "".join(self._said)

    def _run(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if isinstance(node, Text):
                self._say(node.text)
            elif isinstance(node, Action):
                value = self._value(node.pipe)
                if node.pipe.names:
                    self._set(node.pipe, value)
                else:
                    self._say(shown(value))
            else:
                self._block(node)

    def _say(self, text: str) -> None:
        self._length += len(text)
        if self._length > _MOST_WORDS:
            raise TemplateError(f"the text has more than {_MOST_WORDS} characters")
        self._said.append(text)

    def _block(self, node: Block) -> None:
        self._scopes.append({})
        dot = self._dot
        value = self._value(node.pipe)
        if node.kind == "range":
            self._range(node, value)
        elif truth(value):
            self._set(node.pipe, value)
            if node.kind == "with":
                self._dot = value
            self._run(node.body)
        else:
            self._set(node.pipe, value)
            self._run(node.otherwise)
        self._dot = dot
        self._scopes.pop()

    def _range(self, node: Block, value: Any) -> None:
        if isinstance(value, Mapping):
            items: list[tuple[Any, Any]] = sorted(value.items())
        elif isinstance(value, list | tuple):
            items = list(enumerate(value))
        elif value is None:
            items = []
        else:
            raise TemplateError(f"range can't iterate over {shown(value)}")
        for key, one in items:
            self._dot = one
            names = node.pipe.names
            values = (key, one) if len(names) == 2 else (one,)
            self._scopes[-1].update(zip(names, values, strict=False))
            self._run(node.body)
        if not items:
            self._run(node.otherwise)

    def _set(self, pipe: Pipe, value: Any) -> None:
        for name in pipe.names:
            scope = self._scopes[-1] if pipe.fresh else next(one for one in reversed(self._scopes) if name in one)
            scope[name] = value

    def _value(self, pipe: Pipe) -> Any:
        value = self._command(pipe.commands[0], ())
        for command in pipe.commands[1:]:
            value = self._command(command, (value,))
        return value

    def _command(self, command: Sequence[Operand], last: tuple[Any, ...]) -> Any:
        first = command[0]
        if not isinstance(first, Function):
            return self._operand(first)
        if first.name in ("and", "or"):
            return self._shortcut(first.name, command[1:], last)
        values = (*(self._operand(one) for one in command[1:]), *last)
        if first.name == "query":
            return self._asked(*values)
        if first.name in ("externalURL", "pathPrefix"):
            return ""
        try:
            return FUNCTIONS[first.name](*values)
        except TemplateError as wrong:
            raise TemplateError(f"error calling {first.name}: {wrong}") from None
        except TypeError:
            raise TemplateError(f"error calling {first.name}: it does not take {len(values)} arguments") from None

    def _shortcut(self, name: str, operands: Sequence[Operand], last: tuple[Any, ...]) -> Any:
        """`and` and `or` stop at the first argument that decides."""
        value: Any = None
        for operand in (*operands, *(Constant(one) for one in last)):
            value = self._operand(operand)
            if truth(value) == (name == "or"):
                break
        return value

    def _operand(self, operand: Operand) -> Any:
        if isinstance(operand, Constant):
            return operand.value
        if isinstance(operand, Function):
            return self._command((operand,), ())
        if isinstance(operand, Nested):
            return _field(self._value(operand.pipe), operand.path)
        if operand.name == ".":
            return _field(self._dot, operand.path)
        return _field(next(one[operand.name] for one in reversed(self._scopes) if operand.name in one), operand.path)

    def _asked(self, *values: Any) -> Sequence[Result]:
        if self._ask is None or len(values) != 1 or not isinstance(values[0], str):
            raise TemplateError("error calling query: it takes one query")
        return list(self._ask(values[0]))


def _field(value: Any, path: Sequence[str]) -> Any:
    """A field of a field; a label that is not there is empty."""
    for name in path:
        if isinstance(value, Result):
            if name not in ("Labels", "Value"):
                raise TemplateError(f"can't evaluate field {name} of a result")
            value = value.labels if name == "Labels" else value.value
        elif isinstance(value, Mapping):
            value = value.get(name, "")
        else:
            raise TemplateError(f"can't evaluate field {name} of {shown(value)}")
    return value
