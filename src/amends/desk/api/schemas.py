"""Types that the bodies of several addresses share. Unknown members are refused: a misspelt one would be a silent no."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from babel import Locale, UnknownLocaleError
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictInt, StringConstraints

from amends.desk.api.problems import KINDS
from amends.policy.dates import parse_instant
from amends.policy.money import AMOUNT_MAX, EXPONENTS

# What the document says of a text stands beside the check that says it in words.
_NO_NUL = {"pattern": r"^[^\x00]*$"}
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$"
TEXT_LENGTH_MAX = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("an instant is text such as 2025-09-01T10:00:00Z")  # noqa: TRY004  # pydantic's protocol
    return _EPOCH + timedelta(microseconds=parse_instant(value))


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("the text contains a NUL character")
    return value


def _mail(value: str) -> str:
    try:
        validate_email(value)
    except ValidationError as error:
        raise ValueError("not a mail address") from error
    return value


def _locale(value: str) -> str:
    try:
        Locale.parse(value)
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError("not a locale such as en_US") from error
    return value


def _currency(value: str) -> str:
    if value not in EXPONENTS:
        raise ValueError("not a currency code of ISO 4217, such as USD")
    return value


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Text = Annotated[
    str,
    StringConstraints(max_length=TEXT_LENGTH_MAX),
    AfterValidator(_no_nul),
    Field(json_schema_extra=_NO_NUL),
]
FullText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=TEXT_LENGTH_MAX, strip_whitespace=True),
    AfterValidator(_no_nul),
    Field(json_schema_extra={"pattern": r"^[^\x00]*[^\x00\s][^\x00]*$"}),
]
Name = Annotated[
    str, StringConstraints(max_length=200), AfterValidator(_no_nul), Field(json_schema_extra=_NO_NUL)
]
Instant = Annotated[
    datetime,
    BeforeValidator(
        _instant, json_schema_input_type=Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    ),
]
Mail = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_no_nul),
    AfterValidator(_mail),
    Field(json_schema_extra={"format": "email"}),
]
LocaleName = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(_[A-Za-z]{2,4})?$"), AfterValidator(_locale)
]
Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")]
Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    AfterValidator(_currency),
    Field(json_schema_extra={"enum": sorted(EXPONENTS)}),
]
Amount = Annotated[StrictInt, Field(ge=0, le=AMOUNT_MAX, description="Minor units of the currency")]


class Body(Schema):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid")


class FaultOut(Schema):
    """One place in the request, and what is wrong there."""

    where: str
    why: str


class ProblemOut(Schema):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str
    code: Annotated[str, Field(json_schema_extra={"enum": sorted(KINDS)})]
    title: str
    status: Annotated[
        int, Field(json_schema_extra={"enum": sorted({status for status, _ in KINDS.values()})})
    ]
    detail: str
    errors: list[FaultOut] = Field(default_factory=list)
    case: str = ""
    """Of `case_under_way`: the number of the case that is about the same purchase."""
