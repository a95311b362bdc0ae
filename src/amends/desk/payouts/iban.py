"""Account numbers as ISO 13616 has them: country, length, and the check by the remainder of 97."""

from django.utils.translation import gettext as _

LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
"""How long an account number of each country is (IBAN registry of SWIFT)."""
SEPA = frozenset(
    [
        "AD",
        "AL",
        "AT",
        "BE",
        "BG",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FO",
        "FR",
        "GB",
        "GI",
        "GL",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MC",
        "MD",
        "ME",
        "MK",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "RS",
        "SE",
        "SI",
        "SK",
        "SM",
        "VA",
    ]
)
"""Where a SEPA credit transfer reaches (EPC409-09); FO and GL by the banks of Denmark."""


class BadAccountError(ValueError):
    """Money cannot go to what was named; the message says what is wrong with it and what to do."""

    field = "holder"


class NotAnIbanError(BadAccountError):
    """The number is none, or none that we can reach."""

    field = "iban"


def read_iban(text: str) -> str:
    """An account number as machines write it: capitals, no spaces.

    Raises: NotAnIbanError.
    """
    iban = "".join(text.split()).upper()
    country = iban[:2]
    if not iban:
        raise NotAnIbanError(_("Please write the IBAN of the account, such as DE89 3704 0044 0532 0130 00."))
    if not (iban.isascii() and iban.isalnum()):
        raise NotAnIbanError(_("An IBAN has only letters and digits, such as DE89 3704 0044 0532 0130 00."))
    if country not in LENGTHS:
        raise NotAnIbanError(
            _(
                "An IBAN begins with the letters of its country, such as DE or FR; “%(country)s” is none of them."
            )
            % {"country": country}
        )
    if len(iban) != LENGTHS[country]:
        raise NotAnIbanError(
            _(
                "An IBAN of %(country)s has %(n)d characters; this one has %(found)d. Please compare it with your card."
            )
            % {"country": country, "n": LENGTHS[country], "found": len(iban)}
        )
    if not iban[2:4].isdigit() or not _is_checked(iban):
        raise NotAnIbanError(
            _("The check digits do not fit, so something is mistyped. Please compare it with your card.")
        )
    return iban


def _is_checked(iban: str) -> bool:
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    return int(digits) % 97 == 1


def mask(iban: str) -> str:
    """What may be shown of an account number: its country and its last four characters."""
    return f"{iban[:2]}… {iban[-4:]}"
