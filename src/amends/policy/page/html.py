"""The policy as one HTML page without scripts: light and dark, from phone to wide, with an anchor on every sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from amends.policy.explanation import format_day
from amends.policy.limits import boundary_examples
from amends.policy.model import Policy, Rule, Verb
from amends.policy.translation import LOCALE, noop, spoken, translation
from amends.policy.words import say

_MARK = re.compile(r"\[([^\[\]]*)\]\{([^{}]*)\}")
_TAIL = re.compile(r"\{([^{}]*)\}$")
VERBS = {
    Verb.GRANT: noop("Granted when %(condition)s."),
    Verb.DENY: noop("Refused when %(condition)s."),
    Verb.REFER: noop("Decided by a person when %(condition)s."),
}
_AT_THE_BORDER = noop("Does this hold at the border? %(sides)s.")
COMES_BEFORE = noop("This comes before %(clauses)s.")
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


def render_page(policy: Policy, locale: str = LOCALE) -> str:
    """The whole page as a standalone HTML document."""
    title = escape(policy.title)
    return (
        f'<!doctype html>\n<html lang="{policy.lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{render_article(policy, locale)}</main>\n</body>\n</html>\n"
    )


def render_article(policy: Policy, locale: str = LOCALE) -> str:
    """What stands between the head and the foot of a page: for sites with a frame of their own.

    The policy is in its own language; what stands around its sentences is in the reader's, and marked as such.
    """
    return _Article(policy, spoken(locale)).render()


def body_of(text: str) -> str:
    """The text below the head of the file."""
    return re.split(r"^---\s*$", text, maxsplit=2, flags=re.MULTILINE)[2]


def is_at(rule: Rule, token: Token, policy: Policy) -> bool:
    """Whether a rule was read from this block, where several blocks share one sentence."""
    assert token.map
    head_lines = policy.text.count("\n") - body_of(policy.text).count("\n")
    return rule.span.line == token.map[0] + 1 + head_lines


@dataclass(frozen=True, slots=True)
class _Article:
    policy: Policy
    locale: str

    def render(self) -> str:
        parser = MarkdownIt("commonmark", {"html": False}).enable("table")
        tokens = parser.parse(body_of(self.policy.text))
        shown: list[Token] = []
        for index, token in enumerate(tokens):
            if token.type == "fence":
                shown += self._fence(token)
                continue
            if token.type == "inline":
                self._mark(parser, tokens, index)
            shown.append(token)
            if token.type == "heading_close" and token.tag == "h1":
                shown.append(_html(self._about()))
            elif token.type == "heading_close":
                shown += self._condition(tokens[index - 1].content)
        text = str(parser.renderer.render(shown, parser.options, {}))
        return text.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")

    def _say(self, message: str, **words: str) -> str:
        return escape(self._fill(message, **words))

    def _fill(self, message: str, **words: str) -> str:
        return translation(self.locale).gettext(message) % words

    @property
    def _lang(self) -> str:
        """Marks what is not in the language of the policy."""
        language = self.locale.partition("_")[0]
        return "" if self.policy.lang.partition("-")[0] == language else f' lang="{language}"'

    def _own(self, text: str) -> str:
        """Words of the policy within words of ours."""
        return f'<span lang="{self.policy.lang}">{escape(text)}</span>' if self._lang else escape(text)

    def _about(self) -> str:
        words = self._say(
            noop("Version %(version)s, in force from %(day)s. Days are days in %(zone)s."),
            version=self.policy.version,
            day=format_day(date.fromisoformat(self.policy.effective), self.locale),
            zone=self.policy.zone,
        )
        return f'<p class="about"{self._lang}>{words}</p>\n'

    def _mark(self, parser: MarkdownIt, tokens: list[Token], index: int) -> None:
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
                    escape(child.content)
                    .replace("\ue000", '<span class="number">')
                    .replace("\ue001", "</span>")
                )
        if names and names[0] in self.policy.clauses:
            opening.attrSet("id", names[0])
            opening.hidden = False
            tokens[index + 1].hidden = False
            label = self._say(noop("Link to this sentence (%(clause)s)"), clause=names[0])
            anchor = f'<a class="anchor" href="#{names[0]}" aria-label="{label}"{self._lang}>#</a>'
            (inline.children or []).append(Token("html_inline", "", 0, content=anchor))

    def _condition(self, title: str) -> list[Token]:
        """The condition that holds below a heading, in words."""
        sections = (clause.section for clause in self.policy.clauses.values() if clause.section)
        section = next((one for one in sections if one.title.strip() == title.strip()), None)
        if section is None or section.where is None:
            return []
        words = self._say(noop("Where %(condition)s"), condition=say(self.policy, section.where, self.locale))
        return [_html(f'<p class="where"{self._lang}>{words}</p>\n')]

    def _fence(self, token: Token) -> list[Token]:
        kind, _, name = token.info.strip().partition(" ")
        if kind == "text":
            return [token]
        if kind == "define":
            fact = name.replace("_", " ")
            summary = self._say(noop("What “%(fact)s” is"), fact=fact)
            words = escape(f"{fact}: {say(self.policy, self.policy.derived[name], self.locale)}.")
            return [_html(self._details(summary, f"<p>{words}</p>"))]
        if kind == "rule":
            rules = [rule for rule in self.policy.rules if rule.clause == name]
            return [_html("".join(self._rule(rule) for rule in rules if is_at(rule, token, self.policy)))]
        return []

    def _details(self, summary: str, content: str) -> str:
        return f"<details{self._lang}><summary>{summary}</summary>{content}</details>\n"

    def _rule(self, rule: Rule) -> str:
        return self._details(self._say(noop("How this is computed")), "".join(self._parts(rule)))

    def _parts(self, rule: Rule) -> Iterator[str]:
        condition = say(self.policy, rule.when, self.locale)
        yield f"<p>{self._say(VERBS[rule.verb], condition=condition)}</p>"
        examples = boundary_examples(self.policy, rule, self.locale)
        if examples:
            side = noop("%(fact)s: %(last)s yes, %(outside)s no")
            sides = "; ".join(
                self._fill(side, fact=one.fact, last=one.last, outside=one.first_outside) for one in examples
            )
            yield f"<p>{self._say(_AT_THE_BORDER, sides=sides)}</p>"
        if rule.lines:
            lines = "".join(
                f"<li>{self._own(line.label)}: {escape(say(self.policy, line.expression, self.locale))}</li>"
                for line in rule.lines
            )
            yield f"<ul>{lines}</ul>"
        if rule.overrides:
            links = ", ".join(f'<a href="#{name}">{name}</a>' for name in rule.overrides)
            yield f"<p>{self._say(COMES_BEFORE, clauses='{}').format(links)}</p>"


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
