"""Every example in the documents is run; `docs/README.md` says how a block is marked."""

import doctest
import json
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from amends import Decision, InputError, PolicyError, decide, parse_policy
from amends.policy.errors import WHY
from amends.policy.model import Policy

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in ROOT.glob("docs/*.md"))
SHOWN_ONLY = ("text",)
RUN_BY_THE_DOORS = ("json", "py")
FRAME_KEYS_ADDED = ("inputs", "assume")

Json = dict[str, object]


@dataclass(frozen=True)
class Example:
    """A fenced block of a page."""

    page: str
    line: int
    kind: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass
class Telling:
    """What the examples of one page have said so far."""

    folder: Path
    policy: Policy | None = None
    in_frame: bool = False
    case: Json = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def decision(self) -> Decision:
        assert self.policy, "no policy stands above this block"
        base = base_case() if self.in_frame else {}
        options = dict(word.split("=", 1) for word in self.words if "=" in word)
        waive = [options["waive"]] if "waive" in options else []
        return decide(self.policy, {**base, **self.case}, waive=waive, grant=options.get("grant"))


def begin(folder: Path) -> Telling:
    """A folder in which the commands of a page find the program and the policies of the checkout."""
    for name in ("bin", "policies", "examples"):
        (folder / name).symlink_to(ROOT / name)
    return Telling(folder)


def examples_of(page: Path) -> Iterator[Example]:
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        if token.type != "fence":
            continue
        assert token.map
        kind, *words = token.info.split() or [""]
        yield Example(page.name, token.map[0] + 1, kind, tuple(words), token.content)


@cache
def named_once(kind: str) -> str:
    """The text of a block that only the language reference has: the frame and the base case."""
    texts = [e.text for e in examples_of(ROOT / "docs" / "language.md") if e.kind == kind]
    assert len(texts) == 1
    return texts[0]


def base_case() -> Json:
    return as_json(named_once("base"))


def as_json(text: str) -> Json:
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def entries(head: str) -> dict[str, str]:
    """The lines of a head under their keys, each with what is indented below it."""
    found: dict[str, str] = {}
    key = ""
    for line in head.splitlines(keepends=True):
        if line[0] not in " \t":
            key = line.split(":")[0]
        found[key] = found.get(key, "") + line
    return found


def framed(fragment: str, frame_text: str | None = None) -> str:
    """A fragment below a policy: lines of a head of its own replace or extend those of the policy's head."""
    _, frame, above = (frame_text or named_once("frame")).split("---\n", 2)
    head, body = "", fragment
    if fragment.startswith("---\n"):
        _, head, body = fragment.split("---\n", 2)
    own = entries(head)
    if "policy" in own:
        return fragment
    merged = entries(frame)
    for key, lines in own.items():
        below = lines.split("\n", 1)[1] if key in FRAME_KEYS_ADDED else ""
        merged[key] = merged[key] + below if key in FRAME_KEYS_ADDED else lines
    return f"---\n{''.join(merged.values())}---\n{above}{body}"


def problems_of(text: str) -> list[str]:
    """The codes of what is wrong with a policy, each once."""
    try:
        parse_policy(text)
    except PolicyError as error:
        return sorted({problem.code for problem in error.problems})
    return []


def tell(example: Example, telling: Telling) -> None:
    """Run one block in the light of those above it."""
    match example.kind:
        case "policy" | "fragment" | "frame":
            telling.in_frame = example.kind != "policy"
            telling.policy = parse_policy(framed(example.text) if telling.in_frame else example.text)
            keep(example, telling)
        case "more":
            file = telling.folder / example.words[0]
            file.write_text(
                framed(f"\n{example.text}" if example.text[0] != "-" else example.text, file.read_text())
            )
            telling.policy = parse_policy(file.read_text())
        case "wrong":
            code, *rest = example.words
            text = example.text if "whole" in rest else framed(example.text)
            # A mistake may bring others with it; a code of another reader is for that reader to show.
            assert code in problems_of(text) or code not in WHY
        case "case":
            telling.case, telling.words = as_json(example.text), example.words
            keep(example, telling)
        case "decision":
            wanted = as_json(example.text)
            core = telling.decision().core()
            assert {key: core.get(key) for key in wanted} == wanted
        case "refused":
            with pytest.raises(InputError) as caught:
                telling.decision()
            shown = caught.value.as_json()
            wanted = as_json(example.text)
            assert {key: shown[key] for key in wanted} == wanted
        case "base" | "file":
            keep(example, telling)
        case "console":
            assert transcript(example.text, telling.folder) == example.text.rstrip()
        case "python":
            converse(example, telling.folder)
        case _:
            assert example.kind in SHOWN_ONLY + RUN_BY_THE_DOORS, f"no meaning for a block `{example.kind}`"


def keep(example: Example, telling: Telling) -> None:
    """Write a block that has a file name, for the commands below it."""
    name = next((word for word in example.words if "=" not in word), None)
    if name:
        (telling.folder / name).write_text(example.text)


def transcript(text: str, folder: Path) -> str:
    """The commands of a console block with everything that they print."""
    said = ""
    for line in text.splitlines():
        if line.startswith("$ "):
            done = subprocess.run(
                ["/bin/sh", "-c", line[2:]],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            said += f"{line}\n{done.stdout}"
    return said.rstrip()


def converse(example: Example, folder: Path) -> None:
    """Run the lines of Python behind `>>>` and compare what they show."""
    test = doctest.DocTestParser().get_doctest(example.text, {}, str(example), None, example.line)
    with chdir(folder):
        result = doctest.DocTestRunner(verbose=False).run(test)

    assert (result.failed, bool(test.examples)) == (0, True)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_example_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    telling = begin(tmp_path)
    for example in examples_of(page):
        try:
            tell(example, telling)
        except (AssertionError, InputError, PolicyError) as error:
            pytest.fail(f"docs/{example}: {error}")


def test_the_refund_of_the_readme_is_what_the_shipped_policy_decides(tmp_path: Path) -> None:
    texts = {example.kind: example.text for example in examples_of(ROOT / "README.md")}
    begin(tmp_path)
    (tmp_path / "case.json").write_text(texts["json"])
    letter = "$ bin/amends decide policies/flux-kontext.md case.json --letter"
    _, _, granted = transcript(letter, tmp_path).partition("\n")
    (tmp_path / "case.json").write_text(texts["json"].replace('"generations": 12', '"generations": 60'))
    denied = transcript(letter, tmp_path)

    assert granted.startswith(texts["text"])
    assert "With 50 or fewer it would be $18.15" in denied
