"""Money in integer minor units, exact arithmetic, one named rounding.

Exponents are those of ISO 4217. Source of the rounding modes: semantics, rule 17.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Self

AMOUNT_MAX = 10**15
"""The largest amount a case may carry, in minor units."""

_DECIMAL = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:\.[0-9]{1,12})?")
_WITHOUT_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_MILS = "BHD IQD JOD KWD LYD OMR TND"
_WITH_FOUR = "CLF UYW"
_WITH_CENTS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT "
    "MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU "
    "UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
EXPONENTS = {
    code: exponent
    for exponent, codes in ((0, _WITHOUT_CENTS), (2, _WITH_CENTS), (3, _WITH_MILS), (4, _WITH_FOUR))
    for code in codes.split()
}
"""Digits after the point for each currency."""


class Rounding(StrEnum):
    """How an exact amount becomes whole minor units; every mode treats -x as it treats x."""

    HALF_UP = "half_up"
    """Half away from zero."""
    HALF_EVEN = "half_even"
    """Half to the even neighbour."""
    DOWN = "down"
    """Toward zero."""
    UP = "up"
    """Away from zero."""


def round_exact(value: Fraction | int, mode: Rounding) -> int:
    """Round an exact amount to whole minor units.

    Rounding: by `mode`; exact for integers.
    Invariant: round_exact(-x) == -round_exact(x).

    >>> round_exact(Fraction(-20250, 20), Rounding.HALF_UP)
    -1013
    """
    if isinstance(value, int):
        return value
    whole, rest = divmod(abs(value.numerator), value.denominator)
    if mode is Rounding.UP:
        step = rest > 0
    elif mode is Rounding.DOWN:
        step = False
    else:
        double = 2 * rest
        on_half = double == value.denominator
        step = double > value.denominator or (on_half and (mode is Rounding.HALF_UP or whole % 2 == 1))
    rounded = whole + step
    return rounded if value >= 0 else -rounded


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency, in its minor units."""

    amount: int
    currency: str

    @classmethod
    def parse(cls, number: str, currency: str) -> Self:
        """Read a decimal number such as `1,234.50` in a currency.

        Raises: ValueError: more digits than the currency has, or no number.

        >>> Money.parse("5.00", "USD")
        Money(amount=500, currency='USD')
        """
        if currency not in EXPONENTS:
            raise ValueError(f"{currency} is no ISO 4217 currency")
        if not _DECIMAL.fullmatch(number):
            raise ValueError("it is no amount")
        exact = Fraction(number.replace(",", "")) * 10 ** EXPONENTS[currency]
        if exact.denominator != 1:
            raise ValueError(f"{currency} has {EXPONENTS[currency]} digits after the point")
        return cls(int(exact), currency)

    def __str__(self) -> str:
        """The currency and the number with all its digits: `USD 18.15`."""
        exponent = EXPONENTS[self.currency]
        whole, rest = divmod(abs(self.amount), 10**exponent)
        digits = f"{whole}.{rest:0{exponent}}" if exponent else str(whole)
        return f"{self.currency} {'-' if self.amount < 0 else ''}{digits}"

    def split(self, weights: Sequence[int]) -> list[Self]:
        """Share the amount in proportion to the weights (reading R19).

        Amounts: weights >= 0; where all are 0, the parts are equal.
        Rounding: none is lost; the largest remainders get the odd units, ties to the earlier part.
        Invariant: the parts sum to the amount.

        >>> [part.amount for part in Money(5, "USD").split([1, 1, 1])]
        [2, 2, 1]
        """
        weights = weights if any(weights) else [1] * len(weights)
        total = sum(weights)
        sign = -1 if self.amount < 0 else 1
        shares = [divmod(abs(self.amount) * weight, total) for weight in weights]
        odd = abs(self.amount) - sum(share for share, _ in shares)
        order = sorted(range(len(shares)), key=lambda i: (-shares[i][1], i))
        lucky = set(order[:odd])
        return [
            type(self)(sign * (share + (i in lucky)), self.currency) for i, (share, _) in enumerate(shares)
        ]
