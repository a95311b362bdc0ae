"""From the text of an expression to a small Python syntax tree, or to a problem that a policy author understands.

Only `ast.parse` ever sees the text, after its alphabet, length, depth and order of words were checked; nothing is
evaluated.
"""

import ast
import keyword
import re
from itertools import pairwise

from amends.policy.errors import Problems
from amends.policy.source import Fragment

NAME_LENGTH_MAX = 60
TOKENS_MAX = 400
DEPTH_MAX = 40

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|[0-9][\w.]*(?<!\.)|[<>=!]=|\*\*|//|\S|[^\x00-\x7f]")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_PLAIN_NUMBERS = ("0", "1")
_COMPARE = "Write `==` to compare."
_UNQUOTED = "Words of an enum are written without quotes."
_FOREIGN = {
    "%": "Write the percentage in a sentence, as in `[2.9 %]{#rate}`, and use its name.",
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`, or `!=` between two values.",
    "=": _COMPARE,
    "#": "Put the comment on a line of its own.",
    '"': _UNQUOTED,
    "'": _UNQUOTED,
    "$": "Write the amount in a sentence, as in `[USD 5.00]{#least}`, and use its name.",
    ":": "Write `a if condition else b`.",
    "**": "There are no powers: multiply with `*`.",
    "//": "Divide with `/` and round with `round_down(…)`.",
    "≤": "Write `<=`.",
    "≥": "Write `>=`.",
    "≠": "Write `!=`.",
    "×": "Write `*`.",
    "÷": "Write `/`.",
    "−": "Write `-`, the minus of the keyboard.",
    "–": "Write `-`, the minus of the keyboard.",
    "[": "Write `in (a, b)` for one of several words, and parentheses elsewhere.",
    "{": "Write `in (a, b)` for one of several words, and parentheses elsewhere.",
}
_WORDS = {
    "True": "Write `true`.",
    "False": "Write `false`.",
    "None": "Write `none`.",
    "null": "Write `none`.",
    "yes": "Write `true`, or the name of the input alone.",
    "no": "Write `false`, or `not` before the name of the input.",
    "is": "Write `==` or `!=`.",
    "AND": "Write `and`.",
    "OR": "Write `or`.",
    "NOT": "Write `not`.",
    "then": "Write `a if condition else b`.",
}
_JOINING = frozenset(
    {"and", "or", "in", "if", "else", "+", "*", "/", "<", ">", "<=", ">=", "==", "!=", ".", ","}
)
_OPENING = frozenset({"not", "-"})
GRAMMAR = "Use names, 0, 1, true, false, none, + - * /, comparisons, and, or, not, in, `a if c else b` and functions."


def is_name(word: str) -> bool:
    """Whether a word can name an input, a parameter, a fact, a table or a column."""
    return bool(_NAME.fullmatch(word)) and not keyword.iskeyword(word) and len(word) <= NAME_LENGTH_MAX


def names_in(text: str) -> set[str]:
    """The words of an expression that can be names; what follows a point is a column of one."""
    return set(re.findall(r"(?<![\w.])[a-z][a-z0-9_]*", text))


def parse(text: Fragment, problems: Problems) -> ast.expr | None:
    """The syntax tree of an expression, None where a problem was noted."""
    if not text.text:
        problems.add(
            "bad-expression", text.span(), "The expression is empty.", "Write a value or a condition."
        )
        return None
    if not _Check(text, problems).passes():
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


class _Check:
    """The words of one expression, looked at before Python's parser sees them."""

    def __init__(self, text: Fragment, problems: Problems) -> None:
        self.text = text
        self.problems = problems
        self.tokens = list(_TOKEN.finditer(text.text))

    def passes(self) -> bool:
        """Whether every word is known and stands where it can; otherwise the first problem is noted."""
        return self._are_known() and self._are_in_order() and self._close_in_pairs() and self._is_short()

    def _note(self, token: re.Match[str], message: str, fix: str, code: str = "bad-expression") -> bool:
        self.problems.add(code, self.text.span(*token.span()), message, fix)
        return False

    def _are_known(self) -> bool:
        for index, token in enumerate(self.tokens):
            if token[0][0].isdigit() and token[0] not in _PLAIN_NUMBERS:
                return self._refuse_number(index)
            if advice := _advice(token[0]):
                shown = f"`{token[0]}`" if token[0].isprintable() else f"The sign U+{ord(token[0]):04X}"
                return self._note(token, f"{shown} is not part of the language.", advice)
        return True

    def _refuse_number(self, index: int) -> bool:
        token = self.tokens[index]
        if not _NUMBER.fullmatch(token[0]):
            message = f"`{token[0]}` is neither a number nor a name."
            fix = "Write numbers with their unit in a sentence, as in `[7 days]{#window}`, and use the name here."
            return self._note(token, message, fix)
        after = self.tokens[index + 1][0] if index + 1 < len(self.tokens) else ""
        unit = after if after == "%" or (is_name(after) and after not in _JOINING) else "…"
        fix = f"Write it in the sentence, as in `[{token[0]} {unit}]{{#name}}`, and use its name here."
        return self._note(token, f"The rule holds the number {token[0]}.", fix, code="hidden-number")

    def _are_in_order(self) -> bool:
        for index, (token, after) in enumerate(pairwise(self.tokens)):
            has_value = _ends_value(token[0])
            if has_value and _begins_value(after[0]) and not _goes_on(token[0], after[0]):
                message = f"Nothing connects `{token[0]}` and `{after[0]}`."
                fix = "Write an operator between them, such as `and`, `==` or `+`."
                return self._note(after, message, fix)
            if not has_value and not _begins_value(after[0]) and not self._may_be_empty(index):
                message = f"Between `{token[0]}` and `{after[0]}` a value is missing."
                return self._note(after, message, "Write the value, or remove one of the two.")
        return self._begins_and_ends() and self._has_every_else()

    def _may_be_empty(self, index: int) -> bool:
        """Whether nothing has to stand behind a token: in `not in`, `(a, )` and `f()`."""
        token, after = self.tokens[index][0], self.tokens[index + 1][0]
        before = self.tokens[index - 1][0] if index else ""
        return (token, after) in (("not", "in"), (",", ")")) or (after == ")" and _goes_on(before, token))

    def _begins_and_ends(self) -> bool:
        first, last = self.tokens[0], self.tokens[-1]
        for token, place, is_whole in (
            (first, "Before", _begins_value(first[0])),
            (last, "Behind", _ends_value(last[0])),
        ):
            if not is_whole:
                message = f"{place} `{token[0]}` a value is missing."
                return self._note(token, message, f"Write it, or remove `{token[0]}`.")
        return True

    def _has_every_else(self) -> bool:
        conditions = [token for token in self.tokens if token[0] == "if"]
        words = [token[0] for token in self.tokens]
        if len(conditions) <= words.count("else"):
            return True
        message = "The `if` has no `else`."
        return self._note(conditions[-1], message, "Write `a if condition else b`.")

    def _close_in_pairs(self) -> bool:
        opened: list[re.Match[str]] = []
        for token in self.tokens:
            if token[0] == "(":
                opened.append(token)
            elif token[0] == ")" and not opened:
                return self._note(
                    token, "The parenthesis closes nothing.", "Remove it, or open one before it."
                )
            elif token[0] == ")":
                opened.pop()
            if len(opened) > DEPTH_MAX:
                _too_deep(self.text, self.problems)
                return False
        if opened:
            return self._note(opened[-1], "The parenthesis is never closed.", "Close it with `)`.")
        return True

    def _is_short(self) -> bool:
        if len(self.tokens) > TOKENS_MAX:
            _too_deep(self.text, self.problems)
            return False
        return True


def _ends_value(word: str) -> bool:
    return word not in _JOINING and word not in _OPENING and word != "("


def _begins_value(word: str) -> bool:
    return word not in _JOINING and word != ")"


def _goes_on(word: str, after: str) -> bool:
    """Whether a value is followed by its arguments, by a subtraction or by `not in`."""
    return (after == "(" and is_name(word)) or after in _OPENING


def _advice(token: str) -> str | None:
    if token in _FOREIGN:
        return _FOREIGN[token]
    if token in _WORDS:
        return _WORDS[token]
    if token.isspace():
        return "Write an ordinary space."
    if keyword.iskeyword(token) and token not in _JOINING | _OPENING:
        return GRAMMAR
    if not token.isascii() or token[0] in "]}@^~`;\\?":
        return GRAMMAR
    return None


def _too_deep(text: Fragment, problems: Problems) -> None:
    message = f"The expression has more than {TOKENS_MAX} words or more than {DEPTH_MAX} levels."
    problems.add("too-deep", text.span(), message, "Give a part of it a name with a `define` block.")


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
