"""What is still English on a page that should be German."""

import json
import re
from collections.abc import Iterable

from babel.messages.pofile import read_po
from playwright.sync_api import Page

from repo.sentences import HOUSES, catalogue_path

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
    found = set()
    for house in HOUSES:
        with catalogue_path(house, "de").open("rb") as file:
            for message in read_po(file, locale="de"):
                if isinstance(message.id, str) and message.id and message.id != message.string:
                    found.add(message.id)
    return frozenset(found)


def english_in(texts: Iterable[str]) -> list[str]:
    """Those that are sentences of the source, or have plain English words outside of quotes."""
    known = english_sentences()
    shown = (" ".join(text.split()) for text in texts)
    return [text for text in shown if text in known or _PLAIN_ENGLISH.search(_QUOTED.sub("", text))]


def english_on(page: Page) -> list[str]:
    """What a page says in English, to the eye or to a screen reader, without marking it as English."""
    return english_in(json.loads(page.evaluate(_TEXTS)))
