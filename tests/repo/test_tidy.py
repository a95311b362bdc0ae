"""What the linters leave out: sizes, bans that name the replacement, banned names, dead definitions."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
IGNORED = {".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line)}

FUNCTION_LINES_MAX = 50
MODULE_LINES_MAX = 400
NESTING_MAX = 3
PARAMETERS_MAX = 6

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


class Ban(NamedTuple):
    """Text that must not occur in the files of `where`, unless they are in `unless`."""

    where: str
    pattern: str
    instead: str
    unless: str = ""


# Patterns are spelled so that they do not match themselves.
BANS = {
    "float": Ban("src/amends/policy/*.py", r"\bfloat\(", "int or Fraction; money is Money"),
    "clock": Ban(
        "src/*.py",
        r"\b(datetime|timezone)\.now\b|\bdate\.today\b|\btime\.time\b|\butcnow\b",
        "take the instant as an argument; only clock.py asks the machine",
        unless="*/clock.py",
    ),
    "broad except": Ban(
        "*.py", r"\bexcept\s*(:|.*\b(Base)?Exception\b)", "name the errors that can happen there"
    ),
    "print": Ban("src/*.py", r"\bprint\(", "return the text; only the command line shows it, by click.echo"),
    "later": Ban("*", r"\b(TO[D]O|FIX[M]E|XX[X])\b", "do it, or open an issue"),
    "eval": Ban(
        "src/*.py",
        r"(?<![\w.])(eval|exec)\(",
        "only policy/code turns text into code",
        unless="src/amends/policy/code.py",
    ),
    "mock": Ban(
        "tests/*.py",
        r"unittest\.mock|from [u]nittest|monkeypatch\.setattr\(\s*[\"']?amends",
        "hand in a fake; our own code is not patched",
    ),
    "package host": Ban(
        "*",
        r"\b(py[p]i\.org|python[h]osted|debian\.org|npm[j]s\.(org|com)|crates\.[i]o)",
        "name the package, not where it is fetched",
    ),
    "machine path": Ban("*", r"(?<![\w.$}])/([w]ork|[r]oot|[h]ome|Us[e]rs)/\w", "a path in the checkout"),
    "address in the pins": Ban("requirements/*", r"://|\s@\s|\bgit\+", "a version and its hashes"),
}

SAYS_NOTHING = re.compile(
    "data|info|manager|handler|helper|utils?|process|do|misc|common|base2|new|old|enhanced|v2|temp"
)


def files(pattern: str) -> list[Path]:
    """Files of the checkout, what .gitignore names left out; `*` also matches slashes."""
    return [path for path in _walk(ROOT) if fnmatch(place(path), pattern)]


def modules(pattern: str) -> list[tuple[Path, ast.Module]]:
    """Parsed modules, without migrations, most of which Django writes."""
    written = (path for path in files(pattern) if path.parent.name != "migrations")
    return [(path, ast.parse(path.read_text(), filename=place(path))) for path in written]


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in IGNORED):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def code_lines(function: Function, lines: list[str]) -> int:
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    silent = range(docstring.lineno, (docstring.end_lineno or 0) + 1) if docstring else range(0)
    numbers = range(function.lineno, (function.end_lineno or 0) + 1)
    texts = [lines[number - 1].strip() for number in numbers if number not in silent]
    return sum(bool(text) and not text.startswith("#") for text in texts)


def nesting(node: ast.AST, level: int = 0) -> int:
    deepest = level
    for child in ast.iter_child_nodes(node):
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepens = isinstance(child, BLOCKS) and not is_elif
        deepest = max(deepest, nesting(child, level + deepens))
    return deepest


def parameters(function: Function) -> int:
    named = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    return sum(one.arg not in {"self", "cls"} for one in named)


def oversized(function: Function, lines: list[str]) -> Iterator[str]:
    measures = (
        ("code lines", code_lines(function, lines), FUNCTION_LINES_MAX),
        ("blocks inside each other", nesting(function), NESTING_MAX),
        ("parameters", parameters(function), PARAMETERS_MAX),
    )
    for what, count, most in measures:
        if count > most:
            yield f"{function.name} has {count} {what}, at most {most}"


def empty_words(name: str) -> list[str]:
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    # `do_GET` and `handle_DATA` are named by the libraries that call them.
    words = [] if re.fullmatch(r"(do|handle)_[A-Z]+", name) else words
    return [word for word in words if SAYS_NOTHING.fullmatch(word.lower())]


def is_registered(definition: ast.stmt) -> bool:
    """Commands, tasks, routes and handlers are found through their decorator, not by name."""
    decorators = getattr(definition, "decorator_list", [])
    return any(
        re.search(
            r"\.(command|group|task|get|post|delete|exception_handler|inclusion_tag)\(|\.(filter|simple_tag)$",
            ast.unparse(one),
        )
        for one in decorators
    )


def test_functions_and_modules_stay_small() -> None:
    found = []
    for path, tree in modules("*.py"):
        lines = path.read_text().splitlines()
        if len(lines) > MODULE_LINES_MAX:
            found.append(f"{place(path)}: {len(lines)} lines, at most {MODULE_LINES_MAX}")
        functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
        found += [
            f"{place(path)}:{one.lineno}: {text}" for one in functions for text in oversized(one, lines)
        ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("ban", BANS.values(), ids=BANS.keys())
def test_what_has_a_better_way_does_not_occur(ban: Ban) -> None:
    found = [
        f"{place(path)}:{number}: {line.strip()[:80]} -- instead: {ban.instead}"
        for path in files(ban.where)
        if not fnmatch(place(path), ban.unless)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if re.search(ban.pattern, line)
    ]

    assert not found, "\n".join(found)


def test_names_say_what_a_thing_is() -> None:
    named = [(place(path), path.stem) for path in files("*.py")]
    for path, tree in modules("*.py"):
        definitions = [node for node in ast.walk(tree) if isinstance(node, Function | ast.ClassDef)]
        named += [(f"{place(path)}:{node.lineno}", node.name) for node in definitions]
    # The name of a test is a sentence, in which any word may occur.
    found = [
        f"{where}: {name}: '{word}' says nothing"
        for where, name in named
        if not name.startswith("test_")
        for word in empty_words(name)
    ]

    assert not found, "\n".join(found)


def test_every_public_definition_is_named_elsewhere() -> None:
    patterns = ("src/*.py", "tests/*.py", "campaigns/*.py", "*.md", "pyproject.toml")
    lines = [line for one in patterns for path in files(one) for line in path.read_text().splitlines()]
    naming = Counter(word for line in lines for word in set(re.findall(r"\w+", line)))
    definitions = [
        (path, node)
        for path, tree in modules("src/*.py")
        for node in tree.body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
    ]
    defining = Counter(node.name for _, node in definitions)
    found = [
        f"{place(path)}:{node.lineno}: nothing else names {node.name}; remove it"
        for path, node in definitions
        if naming[node.name] <= defining[node.name] and not is_registered(node)
    ]

    assert not found, "\n".join(found)
