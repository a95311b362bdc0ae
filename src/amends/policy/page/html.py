"""The policy as one HTML page without scripts: light and dark, from phone to wide, with an anchor on every sentence."""

import re
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from amends.policy.limits import boundary_examples
from amends.policy.model import Policy, Rule, Verb
from amends.policy.words import say

_MARK = re.compile(r"\[([^\[\]]*)\]\{([^{}]*)\}")
_TAIL = re.compile(r"\{([^{}]*)\}$")
VERBS = {Verb.GRANT: "Granted", Verb.DENY: "Refused", Verb.REFER: "Decided by a person"}
_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1c1d21, #ececf1); --soft: light-dark(#5b5e68, #a3a6b2);
  --paper: light-dark(#ffffff, #141518); --line: light-dark(#e4e5ea, #2c2e35); --accent: light-dark(#3b46c4, #9aa4ff); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.65 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 3rem 1.25rem 5rem; }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -0.02em; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; }
.about, .where { color: var(--soft); font-size: .9375rem; margin: 0 0 1.5rem; }
ul { padding-left: 1.1rem; } li { margin: .75rem 0; } li::marker { color: var(--soft); }
:target { background: light-dark(#fff6d6, #3a3416); border-radius: .25rem; }
.number { font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
a.anchor { color: var(--soft); text-decoration: none; margin-left: .35rem; }
a.anchor:hover, a.anchor:focus-visible { color: var(--accent); }
a { color: var(--accent); }
details { margin: .25rem 0 1rem 1.1rem; font-size: .9375rem; color: var(--soft); }
summary { cursor: pointer; } details p { margin: .4rem 0; } details ul { margin: .25rem 0; } details li { margin: .2rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; }
"""


def render_page(policy: Policy) -> str:
    """The whole page as a standalone HTML document."""
    title = escape(policy.title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{render_article(policy)}</main>\n</body>\n</html>\n"
    )


def render_article(policy: Policy) -> str:
    """What stands between the head and the foot of a page: for sites with a frame of their own."""
    return _render(policy, body_of(policy.text))


def body_of(text: str) -> str:
    """The text below the head of the file."""
    return re.split(r"^---\s*$", text, maxsplit=2, flags=re.MULTILINE)[2]


def _render(policy: Policy, body: str) -> str:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(body)
    shown: list[Token] = []
    for index, token in enumerate(tokens):
        if token.type == "fence":
            shown += _fence(policy, token)
            continue
        if token.type == "inline":
            _mark(parser, tokens, index, policy)
        shown.append(token)
        if token.type == "heading_close" and token.tag == "h1":
            shown.append(_html(_about(policy)))
        elif token.type == "heading_close":
            shown += _condition(policy, tokens[index - 1].content)
    text = str(parser.renderer.render(shown, parser.options, {}))
    return text.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")


def _about(policy: Policy) -> str:
    words = f"Version {policy.version}, in force from {policy.effective}. Days are days in {policy.zone}."
    return f'<p class="about">{escape(words)}</p>\n'


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)


def _mark(parser: MarkdownIt, tokens: list[Token], index: int, policy: Policy) -> None:
    """Turn the marks of a sentence into an anchor and emphasised numbers."""
    inline, opening = tokens[index], tokens[index - 1]
    plain = _MARK.sub(lambda match: match[1], inline.content)
    tail = _TAIL.search(plain.rstrip())
    names = [word[1:] for word in tail[1].split() if word.startswith("#")] if tail else []
    content = _MARK.sub(lambda match: f"\ue000{match[1]}\ue001", inline.content)
    content = _TAIL.sub("", content.rstrip()).rstrip()
    inline.children = parser.parseInline(content)[0].children
    for child in inline.children or []:
        if child.type == "text" and "\ue000" in child.content:
            child.type = "html_inline"
            child.content = (
                escape(child.content).replace("\ue000", '<span class="number">').replace("\ue001", "</span>")
            )
    if names and names[0] in policy.clauses:
        opening.attrSet("id", names[0])
        opening.hidden = False
        tokens[index + 1].hidden = False
        label = f"Link to this sentence ({names[0]})"
        anchor = f'<a class="anchor" href="#{names[0]}" aria-label="{label}">#</a>'
        (inline.children or []).append(Token("html_inline", "", 0, content=anchor))


def _condition(policy: Policy, title: str) -> list[Token]:
    """The condition that holds below a heading, in words."""
    sections = (clause.section for clause in policy.clauses.values() if clause.section)
    section = next((one for one in sections if one.title.strip() == title.strip()), None)
    if section is None or section.where is None:
        return []
    return [_html(f'<p class="where">Where {escape(say(policy, section.where))}</p>\n')]


def _fence(policy: Policy, token: Token) -> list[Token]:
    kind, _, name = token.info.strip().partition(" ")
    if kind == "text":
        return [token]
    if kind == "define":
        words = f"<p>{escape(name.replace('_', ' '))}: {escape(say(policy, policy.derived[name]))}.</p>"
        return [
            _html(
                f"<details><summary>What “{escape(name.replace('_', ' '))}” is</summary>{words}</details>\n"
            )
        ]
    if kind == "rule":
        rules = [rule for rule in policy.rules if rule.clause == name]
        return [_html("".join(_rule(policy, rule) for rule in rules if is_at(rule, token, policy)))]
    return []


def is_at(rule: Rule, token: Token, policy: Policy) -> bool:
    """Whether a rule was read from this block, where several blocks share one sentence."""
    assert token.map
    head_lines = policy.text.count("\n") - body_of(policy.text).count("\n")
    return rule.span.line == token.map[0] + 1 + head_lines


def _rule(policy: Policy, rule: Rule) -> str:
    parts = [f"<p>{VERBS[rule.verb]} when {escape(say(policy, rule.when))}.</p>"]
    examples = boundary_examples(policy, rule)
    if examples:
        sides = "; ".join(f"{one.fact}: {one.last} yes, {one.first_outside} no" for one in examples)
        parts.append(f"<p>Does this hold at the border? {escape(sides)}.</p>")
    if rule.lines:
        lines = "".join(
            f"<li>{escape(line.label)}: {escape(say(policy, line.expression))}</li>" for line in rule.lines
        )
        parts.append(f"<ul>{lines}</ul>")
    if rule.overrides:
        links = ", ".join(f'<a href="#{name}">{name}</a>' for name in rule.overrides)
        parts.append(f"<p>This comes before {links}.</p>")
    return f"<details><summary>How this is computed</summary>{''.join(parts)}</details>\n"
