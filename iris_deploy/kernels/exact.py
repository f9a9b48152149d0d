"""Logarithms and powers of e, rounded correctly: the same bits on every machine.

C libraries and NumPy differ in the last bit. What is computed once, when a bundle is read, may take
its time.
"""

from decimal import Context, Decimal, localcontext

_DIGITS = 50  # far more than a float has, 17


def log(x: float) -> float:
    """Return the natural logarithm of a positive number."""
    with localcontext(Context(prec=_DIGITS)):
        return float(Decimal(x).ln())


def log1p(x: float) -> float:
    """Return the natural logarithm of 1 + x, for x above -1."""
    with localcontext(Context(prec=2000)):
        exact = Decimal(x) + 1
    with localcontext(Context(prec=_DIGITS)):
        return float(exact.ln())


def exp(x: float) -> float:
    """Return e to the power of x."""
    with localcontext(Context(prec=_DIGITS)):
        return float(Decimal(x).exp())


def exp2(x: float) -> float:
    """Return 2 to the power of x."""
    with localcontext(Context(prec=_DIGITS)):
        return float(Decimal(2) ** Decimal(x))
