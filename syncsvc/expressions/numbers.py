"""
Numbers: whole ones exact in 64 bits, decimals exact to 34 digits, doubles where a double is involved.

In between an exact result may have 76 digits, so that a long product can still be rounded; what leaves an expression
must fit its kind.  `/` and averages of exact numbers have 34 digits, rounded half to even.  All of this is independent
of the caller's decimal context.
"""

from __future__ import annotations

import decimal
import functools
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from bson import Decimal128, Int64

from syncsvc.expressions.failures import overflow

#: What operations work on; what comes from outside passes `number` first.
Number: TypeAlias = int | Decimal | float
Operation: TypeAlias = Callable[[Number, Number], Number | None]

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
#: Exact: a digit too many is an error, not a rounding.
EXACT = decimal.Context(
    prec=76, rounding=decimal.ROUND_HALF_EVEN, Emin=-99_999, Emax=99_999, capitals=1, clamp=0, flags=[],
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow],
)  # fmt: skip
#: Quotients, and the limits of what a document holds.
_QUOTIENT = decimal.Context(
    prec=34, rounding=decimal.ROUND_HALF_EVEN, Emin=-6143, Emax=6144, capitals=1, clamp=1, flags=[],
    traps=[decimal.InvalidOperation, decimal.Overflow],
)  # fmt: skip
_STORED = decimal.Context(
    prec=34, rounding=decimal.ROUND_HALF_EVEN, Emin=-6143, Emax=6144, capitals=1, clamp=1, flags=[],
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow],
)  # fmt: skip


def number(value: Any) -> Number | None:
    """The value as a number to compute with; None for what is none (also NaN and the infinities)."""
    kind = type(value)
    if kind is int or kind is Int64 or kind is Decimal:
        return value  # type: ignore[no-any-return]
    if kind is Decimal128:
        exact: Decimal = value.to_decimal()
        return exact if exact.is_finite() else None
    if kind is float:
        return value if math.isfinite(value) else None
    return None


def whole(value: int) -> int:
    """The value, when it fits 64 bits."""
    if _LEAST <= value <= _MOST:
        return value
    raise overflow("a whole number is beyond 64 bits")


def double(value: Number) -> float:
    """The nearest double; a decimal beyond doubles is an overflow."""
    return finite(float(value))


def finite(value: float) -> float:
    """The value, when it is finite."""
    if math.isfinite(value):
        return value
    raise overflow("a double is beyond its range")


def unsigned_zero(value: Decimal) -> Decimal:
    """The value; SQL's decimals know no negative zero."""
    return value if value else value.copy_abs()


def stored(value: Any) -> Any:
    """
    A computed value as BSON has it: whole numbers Int64, decimals Decimal128.

    Raises:
        ComputeError: a decimal has more than 34 digits.
    """
    kind = type(value)
    if kind is int:
        return Int64(whole(value))
    if kind is Decimal:
        try:
            return Decimal128(_STORED.create_decimal(unsigned_zero(value)))
        except decimal.DecimalException:
            raise overflow("a decimal has more than 34 digits") from None
    return value


def operation(
    of_whole: Callable[[int, int], int],
    of_decimals: Callable[[Decimal, Decimal], Decimal],
    of_doubles: Callable[[float, float], float],
) -> Operation:
    """An operation on two numbers of any kind: exact unless one is a double."""

    def apply(left: Number, right: Number) -> Number:
        if isinstance(left, float) or isinstance(right, float):
            return finite(of_doubles(double(left), double(right)))
        if isinstance(left, Decimal) or isinstance(right, Decimal):
            try:
                return of_decimals(Decimal(left), Decimal(right))
            except decimal.DecimalException:
                raise overflow("an exact result has too many digits") from None
        return whole(of_whole(left, right))

    return apply


add = operation(lambda a, b: a + b, EXACT.add, lambda a, b: a + b)
subtract = operation(lambda a, b: a - b, EXACT.subtract, lambda a, b: a - b)
multiply = operation(lambda a, b: a * b, EXACT.multiply, lambda a, b: a * b)
_rest = operation(lambda a, b: abs(a) % abs(b) * (-1 if a < 0 else 1), EXACT.remainder, math.fmod)


def divide(left: Number, right: Number) -> Number | None:
    """The quotient; None for x/0."""
    if not right:
        return None
    if isinstance(left, float) or isinstance(right, float):
        divisor = double(right)
        return finite(double(left) / divisor) if divisor else None
    try:
        return _QUOTIENT.divide(Decimal(left), Decimal(right))
    except decimal.DecimalException:
        raise overflow("a quotient is beyond a decimal") from None


def remainder(left: Number, right: Number) -> Number | None:
    """What is left of an integer division, with the sign of `left`; None for x%0."""
    if not right or (isinstance(left, float) and not double(right)):
        return None
    return _rest(left, right)


def total(values: list[Number]) -> Number:
    """The sum of at least one number; of doubles the same in any order."""
    if any(isinstance(value, float) for value in values):
        try:
            return finite(math.fsum(map(double, values)))
        except OverflowError:
            raise overflow("a double is beyond its range") from None
    decimals = [value for value in values if isinstance(value, Decimal)]
    exact = sum(value for value in values if isinstance(value, int))
    if not decimals:
        return whole(exact)
    try:
        return functools.reduce(EXACT.add, decimals, Decimal(exact))
    except decimal.DecimalException:
        raise overflow("an exact sum has too many digits") from None


#: `{sign: operation}`.
OPERATIONS: dict[str, Operation] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": remainder,
}  # fmt: skip
