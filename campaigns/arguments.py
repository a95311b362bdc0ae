"""What campaigns are called with: a wrong word gets one sentence, and nothing is begun."""

import argparse
from collections.abc import Callable, Sequence


def reader(name: str, about: str | None) -> argparse.ArgumentParser:
    """Of `bin/campaign NAME`; the first words of its module say what it is about."""
    return argparse.ArgumentParser(
        prog=f"bin/campaign {name}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def add_choices(parser: argparse.ArgumentParser, name: str, choices: Sequence[str]) -> None:
    """Any of some words; all of them where none is given."""

    def choice(word: str) -> str:
        if word not in choices:
            raise argparse.ArgumentTypeError(f"{word} is none of {', '.join(choices)}")
        return word

    words = f"of {', '.join(choices)}; all if none is named"
    parser.add_argument(name, nargs="*", metavar=name.upper().removesuffix("S"), type=choice, help=words)


def at_least(least: int) -> Callable[[str], int]:
    """A whole number that is not below another."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} on")
        return int(text)

    return number
