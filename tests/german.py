"""What is still English on a page that should be German."""

import json
import re
from collections.abc import Iterable

from playwright.sync_api import Page

from repo.sentences import HOUSES, catalogue

_PLAIN_ENGLISH = re.compile(
    r"\b(the|of|and|is|are|you|your|we|our|to|not|with|for|has|have|this|that|from|until|yet|which|nothing|nobody)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"„[^“]*“")
"""What a German sentence quotes of a policy that is written in English."""
_TEXTS = """() => {
  const found = [];
  const foreign = (node) => {
    const marked = node.closest("[lang]");
    return marked && marked !== document.documentElement && !marked.lang.startsWith("de");
  };
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!parent.closest("script, style, code, kbd, pre") && !foreign(parent)) found.push(walker.currentNode.data);
  }
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const one of document.querySelectorAll(`[${name}]`))
      if (!foreign(one)) found.push(one.getAttribute(name));
  return JSON.stringify(found);
}"""


def english_sentences() -> frozenset[str]:
    """The sentences of the source that read otherwise in German."""
    messages = (message for house in HOUSES for message in catalogue(house, "de"))
    return frozenset(
        one.id for one in messages if isinstance(one.id, str) and one.id and one.id != one.string
    )


def english_in(texts: Iterable[str]) -> list[str]:
    """Those that are sentences of the source, or have plain English words outside of quotes."""
    known = english_sentences()
    shown = (" ".join(text.split()) for text in texts)
    return [text for text in shown if text in known or _PLAIN_ENGLISH.search(_QUOTED.sub("", text))]


def english_on(page: Page) -> list[str]:
    """What a page says in English, to the eye or to a screen reader, without marking it as English."""
    return english_in(json.loads(page.evaluate(_TEXTS)))
