"""What a price sells: a plan or credits, and by which meter its use is counted; said, never guessed.

A file of `--map` says it by the id of a price or a product; else the metadata of the price or of its product does:
`amends_plan` (with `amends_monthly` beside an annual one) or `amends_credits`, and `amends_meter`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

_NAMES = ("plan", "monthly", "credits", "meter")


class MeaningError(ValueError):
    """What is said makes no sense; the message says where and what to write."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one unit of a price sells."""

    meter: str
    plan: str = ""
    monthly: str = ""
    """Beside an annual plan: the code of the monthly one."""
    credits: int = 0


def read_map(text: str) -> dict[str, Meaning]:
    """The meanings of a file, by the id of a price or a product.

    Raises: MeaningError.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MeaningError(f"it is no TOML: {error}") from error
    return {ref: _read(ref, table) for ref, table in tables.items()}


def meaning_of(price: Mapping[str, object], mapped: Mapping[str, Meaning]) -> Meaning | None:
    """What a price sells, None where nobody says.

    Raises: MeaningError.
    """
    product = price.get("product")
    inner = product if isinstance(product, Mapping) else {}
    for ref in (str(price["id"]), str(inner.get("id") or product)):
        if ref in mapped:
            return mapped[ref]
    return read_metadata(price) or read_metadata(inner)


def read_metadata(item: Mapping[str, object]) -> Meaning | None:
    """What the metadata of an object say that it sells, None where they say nothing.

    Raises: MeaningError.
    """
    metadata = item.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    said: dict[str, object] = {
        name: metadata[f"amends_{name}"] for name in _NAMES if f"amends_{name}" in metadata
    }
    if "credits" in said and str(said["credits"]).isdecimal():
        said["credits"] = int(str(said["credits"]))
    return _read(str(item["id"]), said) if said else None


def _read(ref: str, said: object) -> Meaning:
    if not isinstance(said, Mapping):
        raise MeaningError(f'{ref}: write a table, ["{ref}"], with plan or credits, and meter.')
    if unknown := sorted(said.keys() - set(_NAMES)):
        raise MeaningError(f"{ref}: {', '.join(unknown)} is not known; there are {', '.join(_NAMES)}.")
    plan, credits_, meter = said.get("plan", ""), said.get("credits", 0), said.get("meter", "")
    if type(credits_) is not int or credits_ < 0:
        raise MeaningError(f"{ref}: credits is {credits_!r}; write how many one unit brings, such as 1000.")
    if bool(plan) is bool(credits_):
        raise MeaningError(f"{ref}: say either plan, or credits above zero.")
    if not meter:
        raise MeaningError(f"{ref}: say meter, by which its use is counted.")
    return Meaning(str(meter), str(plan), str(said.get("monthly", "")), credits_)
