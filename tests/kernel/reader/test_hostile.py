"""A file made to break the reader gets an error like any other: soon, in bounded memory, and never a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends import PolicyError, decide, parse_policy, read_policy
from amends.policy.errors import PROBLEMS_MAX

SHIPPED = (Path(__file__).resolve().parents[3] / "policies" / "flux-kontext.md").read_text(encoding="utf-8")
HEAD = """---
policy: hostile
title: Hostile
version: 1
effective: 2025-01-01
contact: desk@example.com
inputs:
  paid: money, from desk
"""
BODY = """- You get it back. {#back}

```rule back
grant: refund
lines:
  paid "What you paid": paid
```
"""
WHOLE = f"{HEAD}---\n{BODY}"


def codes_of(content: str | bytes) -> set[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(content)
    assert len(caught.value.problems) <= PROBLEMS_MAX
    assert len(str(caught.value)) < 200_000
    return {problem.code for problem in caught.value.problems}


def body(text: str) -> str:
    return f"{WHOLE}\n{text}\n"


def head(text: str) -> str:
    return f"{HEAD}{text}\n---\n{BODY}"


def condition(text: str) -> str:
    return WHOLE.replace("grant: refund\n", f"grant: refund\nwhen: {text}\n")


def fact(name: str, text: str) -> str:
    return f"```define {name}\n{text}\n```\n"


def refusal(name: str, lines: str = "") -> str:
    return f"- No {name}. {{#{name}}}\n\n```rule {name}\nrefer\n{lines}```\n\n"


def chain(count: int, *, reverse: bool) -> str:
    numbers = range(count, 0, -1) if reverse else range(1, count + 1)
    links = "".join(fact(f"f{number}", f"f{number - 1} + paid") for number in numbers)
    return body(fact("f0", "paid") + links)


def table(rows: int, columns: int) -> str:
    header = "".join(f"| C {{c{index}}} " for index in range(columns))
    line = "| 1 day " * columns
    return body(f"- Limits. {{#limits}}\n\n{header}|\n{'|---' * columns}|\n" + f"{line}|\n" * rows)


FILES: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "nothing": (lambda: "", "no-front-matter"),
    "only a line of dashes": (lambda: "---", "no-front-matter"),
    "only an empty head": (lambda: "---\n---\n", "missing-key"),
    "10 MB of brackets": (lambda: "[" * 10_000_000, "file-too-large"),
    "1 MB of brackets": (lambda: body("[" * 900_000), "too-many"),
    "lines of brackets": (lambda: body(("[" * 3_900 + "\n") * 200), "uncovered-sentence"),
    "lines of braces": (lambda: body(("{" * 3_900 + "\n\n") * 200), "uncovered-sentence"),
    "lines of numbers that do not end": (lambda: body(("[]{" * 1_300 + "\n\n") * 200), "uncovered-sentence"),
    "paragraph of many lines": (lambda: body("word\n" * 15_000), "too-many"),
    "one line of 1 MB": (lambda: body("word " * 190_000), "too-many"),
    "100,000 lines": (lambda: body("\n" * 100_000), "too-many"),
    "NUL bytes": (lambda: WHOLE.replace("You", "\0You"), "not-text"),
    "no UTF-8": (lambda: WHOLE.encode().replace(b"You", b"\xff\xfe"), "not-text"),
    "UTF-16": (lambda: WHOLE.encode("utf-16"), "not-text"),
    "half a character": (lambda: WHOLE.replace("You", "\ud800"), "not-text"),
    "text turned around": (lambda: WHOLE.replace("You", "\u202eYou"), "not-text"),
    "text isolated": (lambda: WHOLE.replace("You", "\u2066You\u2069"), "not-text"),
    "a lone carriage return": (lambda: WHOLE.replace("You", "\rYou"), "not-text"),
    "quotations in quotations": (lambda: body("> " * 1_900 + "no"), "too-deep"),
    "lists in lists": (lambda: body("- " * 1_900 + "no"), "too-deep"),
    "lists below lists": (lambda: body("".join(f"{'  ' * n}- no\n" for n in range(500))), "too-deep"),
    "YAML anchors": (lambda: head("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]"), "unknown-key"),
    "a YAML tag": (lambda: head("zone: !!python/object/apply:os.system [true]"), "bad-value"),
    "a zone out of its folder": (lambda: head("zone: ../../../etc/passwd"), "bad-value"),
    "100,000 inputs": (lambda: head("".join(f"  a{n}:\n" for n in range(100_000))), "too-many"),
    "1,000 inputs": (
        lambda: head("".join(f"  a{n}: money, from desk\n" for n in range(1_000)).rstrip()),
        "too-many",
    ),
    "inputs of 1,000 words": (
        lambda: head(f"  a: one of {','.join(f'm{n}' for n in range(700))}, m0, from desk"),
        "bad-type",
    ),
    "100,000 clauses": (lambda: body("- No. {#a}\n" * 80_000), "too-many"),
    "10,000 clauses without rules": (
        lambda: body("".join(f"- No. {{#c{n}}}\n" for n in range(10_000))),
        "clause-without-rule",
    ),
    "6,000 blocks": (lambda: body("```rule back\n```\n" * 6_000), "missing-key"),
    "20,000 headings of one name": (lambda: body("# a\n" * 15_000 + "No.\n"), "uncovered-sentence"),
    "a chain of 4,000 facts": (lambda: chain(4_000, reverse=False), "too-deep"),
    "a chain of 4,000 facts, last first": (lambda: chain(4_000, reverse=True), "too-deep"),
    "a chain of 10,000 facts": (lambda: chain(10_000, reverse=True), "too-many"),
    "a circle of 4,000 facts": (
        lambda: body("".join(fact(f"f{n}", f"f{(n + 1) % 4_000}") for n in range(4_000))),
        "cycle",
    ),
    "4,000 circles of facts": (
        lambda: body("".join(fact(f"f{n}", f"f{n}") for n in range(4_000))),
        "cycle",
    ),
    "a circle of 2,000 overrides": (
        lambda: body("".join(refusal(f"c{n}", f"overrides: c{(n + 1) % 2_000}\n") for n in range(2_000))),
        "cycle",
    ),
    "2,000 misspelt overrides": (
        lambda: body("".join(refusal(f"c{n}", f"overrides: c{n}x\n") for n in range(2_000))),
        "unknown-clause",
    ),
    "a table of 2,000 rows": (lambda: table(2_000, 2), "too-many"),
    "a table of 350 columns": (lambda: table(50, 350), "bad-table"),
    "60,000 cells": (lambda: table(300, 210), "too-many"),
    "overlapping ranges": (
        lambda: (
            head("  days: days, from desk")
            + "".join(
                f"\n- L. {{#t{t}}}\n\n| D {{days}} | V {{v}} |\n|---|---|\n"
                + "".join(f"| {2 * n} to {2 * n + 1} | 1 day |\n" for n in range(450))
                for t in range(4)
            )
        ),
        "unused-column",
    ),
    "parentheses in parentheses": (lambda: condition("(" * 1_900 + "paid" + ")" * 1_900), "too-deep"),
    "signs before signs": (lambda: condition("- " * 1_900 + "paid > 0"), "too-deep"),
    "nots before nots": (lambda: condition("not " * 900 + "true"), "too-deep"),
    "choices in choices": (lambda: condition("true if true else " * 200 + "true"), "too-deep"),
    "points after points": (lambda: condition("paid" + ".a" * 1_900), "too-deep"),
    "a number of a thousand digits": (lambda: condition(f"paid > {'9' * 3_900}"), "hidden-number"),
    "1e999": (lambda: condition("paid > 1e999"), "bad-expression"),
    "powers of powers": (lambda: condition("paid > 9**9**9"), "hidden-number"),
    "powers of ones": (lambda: condition("paid > 1**1**1"), "bad-expression"),
    "a marked number of 3,900 digits": (
        lambda: body(f"[{'9' * 3_900} days]{{#a}} {{.info}}"),
        "bad-parameter",
    ),
    "a range of many digits": (
        lambda: (
            head("  days: days, from desk")
            + f"\n- L. {{#t}}\n\n| D {{days}} | V {{v}} |\n|---|---|\n| {'9' * 3_900} | 1 day |\n"
        ),
        "bad-table",
    ),
    "products of products": (
        lambda: (
            head("  share: ratio, from desk")
            + "".join(fact(f"f{n + 1}", f"f{n} * f{n}") for n in range(20))
            + fact("f0", "share")
            + refusal("big", "when: f20 > 1\n")
        ),
        "too-deep",
    ),
}

BAIT = (
    " ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    "0",
    ",",
    "9,",
    '"',
    "'",
    ":",
    "a",
    "a ",
    "- ",
    "|",
    "`",
    "#",
    "if ",
    "with ",
)
PLACES: dict[str, Callable[[str], str]] = {
    "a sentence": lambda bait: body(f"{bait}x {{.info"),
    "the end of a sentence": lambda bait: body(f"No {{#a{bait}x"),
    "a heading": lambda bait: body(f"# No {{.where{bait}x"),
    "a number": lambda bait: body(f"[7{bait}x]{{#a}} {{.info}}"),
    "the name of a number": lambda bait: body(f"[7 days]{{#a{bait}x}} {{.info}}"),
    "a line of the head": lambda bait: head(f"zone{bait}x"),
    "an input": lambda bait: head(f"  other: money,{bait}x"),
    "the words of an input": lambda bait: head(f"  other: money, from desk,{bait}x"),
    "an assumption": lambda bait: head(f"assume: paid{bait}x"),
    "a condition": lambda bait: condition(f"paid{bait}x"),
    "the name of a grant": lambda bait: WHOLE.replace("grant: refund", f"grant: refund{bait}x"),
    "the label of a line": lambda bait: WHOLE.replace('you paid"', f"you paid{bait}x"),
    "an effect": lambda bait: WHOLE.replace("lines:", f"then: end now{bait}x\nlines:"),
    "a need": lambda bait: WHOLE.replace("lines:", f"needs: paid{bait}x\nlines:"),
    "a promise": lambda bait: body(f"- No. {{#p}}\n\n```promise p\nfalls: refund{bait}x\n```\n"),
    "the kind of a block": lambda bait: body(f"```rule{bait}x\n```\n"),
    "a column": lambda bait: body(f"- L. {{#t}}\n\n| a{bait}x | b |\n|---|---|\n| a{bait}x | 1 day |\n"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_gets_an_error(name: str) -> None:
    make, code = FILES[name]

    assert code in codes_of(make())


@pytest.mark.parametrize("bait", BAIT)
@pytest.mark.parametrize("place", PLACES)
def test_a_long_run_of_one_sign_is_read_in_time(place: str, bait: str) -> None:
    run = (bait * 3_800)[:3_800]

    assert codes_of(PLACES[place](run))


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    windows = b"\xef\xbb\xbf" + SHIPPED.replace("\n", "\r\n").encode()

    assert parse_policy(windows).clauses == parse_policy(SHIPPED).clauses


def test_a_long_chain_of_overrides_is_no_mistake() -> None:
    count = 1_500
    rules = [refusal(f"c{n}", f"overrides: c{n + 1}\n") for n in range(count - 1)]

    assert len(parse_policy(body("".join(rules) + refusal(f"c{count - 1}"))).rules) == count + 1


def deep_facts(count: int, levels: int) -> str:
    deep = [fact(f"f{n}", f"{'max(0, ' * levels}f{n - 1}{')' * levels}") for n in range(1, count)]
    return body(fact("f0", "paid") + "".join(deep) + refusal("last", f"when: f{count - 1} > 0\n"))


def test_forty_facts_may_build_on_each_other_and_no_more() -> None:
    last = refusal("last", "when: f39 > 0\n")

    assert len(parse_policy(chain(39, reverse=True) + last).derived) == 40
    assert codes_of(chain(40, reverse=True) + last.replace("f39", "f40")) == {"too-deep"}


def test_the_deepest_facts_that_read_are_also_decided() -> None:
    policy = parse_policy(deep_facts(3, 38))

    assert decide(policy, {"currency": "USD", "paid": 0}).outcome == "granted"
    assert decide(policy, {"currency": "USD"}).outcome == "needs_information"


def test_deep_facts_made_of_deep_facts_are_refused() -> None:
    assert codes_of(deep_facts(40, 38)) == {"too-deep"}


def test_a_folder_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        read_policy(tmp_path)


LINES = SHIPPED.split("\n")
PIECES = st.sampled_from(
    [
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "`",
        "```",
        "---",
        "|",
        ":",
        ",",
        '"',
        "#",
        "\n",
        "\n\n",
        "  ",
        "\t",
        "0",
        "9e9",
    ]
) | st.text(max_size=8)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        here, there = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "double", "swap", "drop", "insert", "insert"])):
            case "delete" if len(lines) > 1:
                del lines[here]
            case "double":
                lines.insert(there, lines[here])
            case "swap":
                lines[here], lines[there] = lines[there], lines[here]
            case "drop":
                at = draw(st.integers(0, len(lines[here])))
                lines[here] = lines[here][:at] + lines[here][at + 1 :]
            case _:
                at = draw(st.integers(0, len(lines[here])))
                lines[here] = lines[here][:at] + draw(PIECES) + lines[here][at:]
    return "\n".join(lines)


@given(mutants())
def test_a_mutated_policy_reads_or_is_refused_with_places(text: str) -> None:
    try:
        parse_policy(text)
    except PolicyError as error:
        places = [problem.span for problem in error.problems]
        assert places
        assert all(1 <= place.line <= text.count("\n") + 1 and place.column >= 1 for place in places)


@given(st.text(max_size=400) | st.binary(max_size=400))
def test_a_file_of_anything_reads_or_is_refused(content: str | bytes) -> None:
    with pytest.raises(PolicyError):
        parse_policy(content)
