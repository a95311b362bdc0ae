"""The inputs of a policy as columns of a table.

A column has the name of its input: `boolean`, `text` for words, `bigint` for amounts, counts and lengths of time, a
`decimal` for a ratio, a timestamp with time zone for an instant. NULL is unknown. What may be `none` has a companion
`<input>_none`, a boolean; for words `none` is a word. The columns `id` and `currency` stand beside them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from amends.policy import types
from amends.policy.facts import COUNT_MAX, NONE, Input
from amends.policy.model import Policy
from amends.policy.money import AMOUNT_MAX, EXPONENTS
from amends.policy.sql.terms import (
    FALSE,
    NULL,
    TRUE,
    Term,
    both,
    case,
    column,
    constant,
    either,
    is_open,
    opposite,
    word,
)
from amends.policy.types import Kind

RATIO_MAX = 10**6
"""SQL takes smaller ratios than `decide`, so that products stay within 38 digits."""
RATIO_SCALE = 10**12
_RFC_3339 = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_DECIMAL = "^-?[0-9]{1,12}([.][0-9]{1,12})?$"
_WHOLE = "^-?(0|[1-9][0-9]{0,17})$"


class Form(StrEnum):
    """How a table holds an input."""

    TYPED = "typed"
    TEXT = "text"
    """As in a CSV file: the words and numbers of JSON without quotes, an empty field for unknown."""


class NameTakenError(ValueError):
    """Two columns of the contract would have one name; the message says which input to rename."""


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One input read from its column."""

    value: str
    """NULL where unknown, none or bad."""
    is_none: str
    """TRUE, FALSE or NULL for unknown; FALSE for what is never none."""
    is_bad: str
    term: Term
    """What the value can be."""


def column_names(policy: Policy) -> tuple[str, ...]:
    """Every column that a table of cases may have.

    Raises: NameTakenError: a companion column has the name of another input.
    """
    names = ["id", "currency"]
    for declared in policy.inputs.values():
        names.append(declared.name)
        if has_companion(declared):
            companion = f"{declared.name}_{NONE}"
            if companion in policy.inputs:
                message = f"The input `{companion}` has the name of the column that says that `{declared.name}` is none. Rename it."
                raise NameTakenError(message)
            names.append(companion)
    return tuple(names)


def has_companion(declared: Input) -> bool:
    """Whether `none` stands in a column of its own."""
    return declared.type.optional and declared.type.kind is not Kind.ENUM


def currency_error(policy: Policy, text: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the currency of a case."""
    known = ", ".join(map(word, policy.currencies or sorted(EXPONENTS)))
    yield is_open(text), word("missing_currency: currency")
    yield opposite(f"LISTED({text}, {known})"), word("unknown_currency: currency")


def read_column(declared: Input, present: Mapping[str, Form]) -> InputColumn:
    """The column of an input; one that the table lacks is unknown in every row."""
    form = present.get(declared.name)
    if declared.type.kind is Kind.ENUM:
        return _read_word(declared, form)
    text = column(declared.name)
    value, is_good, term = _read_known(declared, form, text)
    known = value if is_good in (TRUE, FALSE) else case([(is_good, value)])
    if form is None or is_good == TRUE:
        is_bad = FALSE
    elif form is Form.TYPED:
        # A comparison with NULL is NULL, so what is unknown is not bad.
        is_bad = opposite(is_good)
    else:
        is_bad = both(f"{text} IS NOT NULL", opposite(f"COALESCE({is_good}, FALSE)"))
    if not declared.type.optional:
        return InputColumn(known, FALSE, is_bad, term)
    return _or_none(declared, present, InputColumn(known, FALSE, is_bad, term))


def read_complete(declared: Input) -> InputColumn:
    """The column of an input in the rows that `is_complete` picks: only words may be bad there."""
    if declared.type.kind is Kind.ENUM:
        text = column(declared.name)
        return InputColumn(text, FALSE, _is_unlisted(declared, text), Term(""))
    value, _, term = _read_known(declared, Form.TYPED, column(declared.name))
    none = f"({column(f'{declared.name}_{NONE}')} IS TRUE)" if declared.type.optional else FALSE
    return InputColumn(value, none, FALSE, term)


def is_complete(policy: Policy) -> str:
    """Whether a row knows every input, and each within its range: a comparison with NULL is not true."""
    return both(*(_is_complete(declared) for declared in policy.inputs.values()))


def _is_complete(declared: Input) -> str:
    text = column(declared.name)
    is_given = f"({text} IS NOT NULL)"
    if declared.type.kind is Kind.ENUM:
        return is_given
    _, is_good, _ = _read_known(declared, Form.TYPED, text)
    is_known = is_given if is_good == TRUE else f"({is_good})"
    if not declared.type.optional:
        return is_known
    return case([(column(f"{declared.name}_{NONE}"), opposite(is_given))], is_known)


def _or_none(declared: Input, present: Mapping[str, Form], read: InputColumn) -> InputColumn:
    """The column of an input that may be none, by its companion or, as text, by the word."""
    form, companion, text = present.get(declared.name), f"{declared.name}_{NONE}", column(declared.name)
    says_none, is_given = FALSE, FALSE if form is None else f"{text} IS NOT NULL"
    is_bad = read.is_bad
    if form is Form.TEXT:
        says_none = f"COALESCE({text} = {word(NONE)}, FALSE)"
        is_given = both(is_given, f"{text} <> {word(NONE)}")
        is_bad = both(is_bad, opposite(says_none))
    if companion in present:
        flag = column(companion) if present[companion] is Form.TYPED else f"{column(companion)} = 'true'"
        flag = f"COALESCE({flag}, FALSE)"
        says_none = either(says_none, flag)
        is_bad = either(is_bad, both(is_given, flag))
    told = case([(says_none, TRUE), (is_given, FALSE)])
    none = "CAST(NULL AS BOOLEAN)" if told == NULL else told
    known = read.value if says_none == FALSE else case([(opposite(says_none), read.value)])
    return InputColumn(known, none, is_bad, read.term)


def _read_word(declared: Input, form: Form | None) -> InputColumn:
    if form is None:
        return InputColumn("CAST(NULL AS TEXT)", FALSE, FALSE, Term(""))
    text = column(declared.name)
    return InputColumn(text, FALSE, both(f"{text} IS NOT NULL", _is_unlisted(declared, text)), Term(""))


def _is_unlisted(declared: Input, text: str) -> str:
    """Whether a text that is not NULL is none of the words of an input."""
    members = declared.type.members
    known = (*members, NONE) if declared.type.optional and NONE not in members else members
    return opposite(f"LISTED({text}, {', '.join(map(word, known))})")


def _read_known(declared: Input, form: Form | None, text: str) -> tuple[str, str, Term]:
    """The value, whether it is one, and its bounds."""
    type_ = declared.type
    if type_.kind is Kind.YES_NO:
        if form is None:
            return "CAST(NULL AS BOOLEAN)", "FALSE", Term("")
        if form is Form.TEXT:
            return f"({text} = 'true')", f"{text} IN ('true', 'false')", Term("")
        return text, "TRUE", Term("")
    if type_.kind is Kind.INSTANT:
        return _read_instant(form, text)
    if not type_.unit:
        return _read_ratio(form, text)
    is_money = any(name == "money" for name, _ in type_.unit)
    low, high = (-AMOUNT_MAX, AMOUNT_MAX) if is_money else (0, COUNT_MAX)
    if form is None:
        return "CAST(NULL AS BIGINT)", "FALSE", Term("", low=low, high=high)
    number = f"CAST({text} AS BIGINT)"
    is_whole = both(f"MATCHES({text}, '{_WHOLE}')", f"TRY_CAST({text} AS BIGINT) BETWEEN {low} AND {high}")
    is_good = is_whole if form is Form.TEXT else f"{text} BETWEEN {low} AND {high}"
    if type_.shown_in:
        size = types.MICROSECONDS[type_.shown_in]
        return f"(WIDE({number}) * {size})", is_good, Term("", low=0, high=high * size, is_wide=True)
    return number, is_good, Term("", low=low, high=high)


def _read_instant(form: Form | None, text: str) -> tuple[str, str, Term]:
    bounds = Term("", low=0, high=84_006 * 86_400_000_000)
    if form is None:
        return "CAST(NULL AS BIGINT)", "FALSE", bounds
    moment = text if form is Form.TYPED else f"TRY_CAST({text} AS TIMESTAMPTZ)"
    first, last = (f"CAST('{year}-01-01 00:00:00+00:00' AS TIMESTAMPTZ)" for year in (1970, 2200))
    in_range = f"({moment} >= {first} AND {moment} < {last})"
    is_good = in_range if form is Form.TYPED else both(f"MATCHES({text}, '{_RFC_3339}')", in_range)
    return f"MICROSECONDS({moment})", is_good, bounds


def _read_ratio(form: Form | None, text: str) -> tuple[str, str, Term]:
    size = RATIO_MAX * RATIO_SCALE
    bounds = Term("", low=-size, high=size, bottom=constant(RATIO_SCALE))
    if form is None:
        return "CAST(NULL AS BIGINT)", "FALSE", bounds
    in_range = f"{text} BETWEEN -{RATIO_MAX} AND {RATIO_MAX}"
    if form is Form.TEXT:
        in_range = both(
            f"MATCHES({text}, '{_DECIMAL}')",
            f"TRY_CAST({text} AS DECIMAL(38, 12)) BETWEEN -{RATIO_MAX} AND {RATIO_MAX}",
        )
    scaled = f"CAST(CAST({text} AS DECIMAL(19, 12)) * CAST({RATIO_SCALE} AS DECIMAL(13, 0)) AS BIGINT)"
    return scaled, in_range, bounds
