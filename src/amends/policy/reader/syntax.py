"""From the text of an expression to a small Python syntax tree, or to a problem that a policy author understands.

Only `ast.parse` ever sees the text, after its alphabet, length and depth were checked; nothing is evaluated.
"""

import ast
import keyword
import re

from amends.policy.errors import Problems
from amends.policy.source import Fragment

NAME_LENGTH_MAX = 60
TOKENS_MAX = 400
DEPTH_MAX = 40

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|\d[\w.]*|[<>=!]=|\S")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FOREIGN = {
    "%": "A percentage is a number: write it in a sentence, as in `[2.9 %]{#rate}`, and use its name.",
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`, or `!=` between two values.",
    "=": "Write `==` to compare.",
    "#": "Put the comment on a line of its own.",
    '"': "Words of an enum are written without quotes.",
    "'": "Words of an enum are written without quotes.",
    "$": "Write the amount in a sentence, as in `[USD 5.00]{#least}`, and use its name.",
    ":": "Write `a if condition else b`.",
}
_WORDS = {
    "True": "Write `true`.",
    "False": "Write `false`.",
    "None": "Write `none`.",
    "null": "Write `none`.",
    "is": "Write `==` or `!=`.",
    "AND": "Write `and`.",
    "OR": "Write `or`.",
    "NOT": "Write `not`.",
    "then": "Write `a if condition else b`.",
}
_ALLOWED_KEYWORDS = {"and", "or", "not", "in", "if", "else"}
GRAMMAR = "Use names, 0, 1, true, false, none, + - * /, comparisons, and, or, not, in, `a if c else b` and functions."


def is_name(word: str) -> bool:
    """Whether a word can name an input, a parameter, a fact, a table or a column."""
    return bool(_NAME.fullmatch(word)) and not keyword.iskeyword(word) and len(word) <= NAME_LENGTH_MAX


def parse(text: Fragment, problems: Problems) -> ast.expr | None:
    """The syntax tree of an expression, None where a problem was noted."""
    if not text.text:
        problems.add("bad-expression", text.span(), "The expression is empty.", GRAMMAR)
        return None
    if not _check_tokens(text, problems):
        return None
    try:
        tree = ast.parse(text.text, mode="eval").body
    except SyntaxError as error:
        at = min(max((error.offset or 1) - 1, 0), len(text.text) - 1)
        message = "The expression cannot be read from here."
        problems.add("bad-expression", text.span(at, at + 1), message, GRAMMAR)
        return None
    if _depth(tree) > DEPTH_MAX:
        _too_deep(text, problems)
        return None
    return tree


def _check_tokens(text: Fragment, problems: Problems) -> bool:
    depth = 0
    for count, match in enumerate(_TOKEN.finditer(text.text), 1):
        depth += (match[0] == "(") - (match[0] == ")")
        if depth > DEPTH_MAX or count > TOKENS_MAX:
            _too_deep(text, problems)
            return False
        if advice := _advice(match[0]):
            message = f"`{match[0]}` is not part of the language."
            problems.add("bad-expression", text.span(*match.span()), message, advice)
            return False
    return True


def _advice(token: str) -> str | None:
    if token in _FOREIGN:
        return _FOREIGN[token]
    if token in _WORDS:
        return _WORDS[token]
    if keyword.iskeyword(token) and token not in _ALLOWED_KEYWORDS:
        return GRAMMAR
    if not token.isascii() or token[0] in "[]{}@^~`;\\?":
        return GRAMMAR
    return None


def _too_deep(text: Fragment, problems: Problems) -> None:
    message = f"The expression has more than {TOKENS_MAX} words or more than {DEPTH_MAX} levels."
    problems.add("too-deep", text.span(0, 1), message, "Give a part of it a name with a `define` block.")


def _depth(tree: ast.expr) -> int:
    deepest = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend(
            (child, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)
        )
    return deepest
