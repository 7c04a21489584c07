"""Expressions on measures, and texts with measures in them."""

import ast
import operator
import re

from .. import formats
from .measures import Logit, Share

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def value(expression: str, names: dict) -> object:
    """What an expression comes to: names with dots, numbers, strings, arithmetic, comparisons, and, or, not.

    Raises:
        ValueError: for anything else, and for a name that is not there.
    """

    def of(node: ast.AST) -> object:
        match node:
            case ast.Expression(body=body):
                return of(body)
            case ast.Constant(value=float() | int() | str() as constant):
                return constant
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.Attribute(value=inner, attr=name):
                found = of(inner)
                if isinstance(found, dict) and name in found:
                    return found[name]
            case ast.UnaryOp(op=op, operand=inner) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](of(inner))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](of(left), of(right))
            case ast.BoolOp(op=op, values=values):
                return (all if isinstance(op, ast.And) else any)(of(part) for part in values)
            case ast.Compare(left=left, ops=ops, comparators=rest) if all(type(op) in _OPERATORS for op in ops):
                terms = [of(left), *map(of, rest)]
                return all(_OPERATORS[type(op)](a, b) for op, a, b in zip(ops, terms, terms[1:], strict=False))
        raise ValueError(f"{ast.unparse(node)!r} is no measure")

    try:
        return of(ast.parse(" ".join(expression.split()), mode="eval"))  # a text may break its lines anywhere
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"{expression!r} cannot be read: {error}") from error


def shown(measured: object) -> str:
    """A measure as the page writes it."""
    if isinstance(measured, str):
        return measured
    if isinstance(measured, bool) or not isinstance(measured, int | float):
        raise ValueError(f"{measured!r:.40} is no number to show")
    if isinstance(measured, int):
        return str(measured).replace("-", "−")
    if isinstance(measured, Share):
        return formats.percent(measured)
    return formats.logit(measured) if isinstance(measured, Logit) else formats.short(measured, 3)


def filled(text: str, names: dict) -> str:
    """A text with its measures in it."""
    return re.sub(r"\{([^{}]*)\}", lambda found: shown(value(found[1], names)), text)
