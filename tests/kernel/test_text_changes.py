"""What changed in the text: the right sentences, word by word, and nothing that did not change."""

import pytest

from amends import parse_policy
from amends.policy.model import Policy
from amends.policy.page.changes import TextChange, find_text_changes
from conftest import ROOT

TEXT = (ROOT / "policies" / "flux-kontext.md").read_text()


def read(text: str) -> Policy:
    return parse_policy(text, "changed.md")


def changes(*edits: tuple[str, str]) -> tuple[TextChange, ...]:
    text = TEXT
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    return find_text_changes(read(TEXT), read(text))


def shown(change: TextChange) -> str:
    marks = {"kept": "{}", "added": "+{}+", "removed": "-{}-"}
    return "".join(marks[run.kind].format(run.text) for run in change.runs)


def test_the_same_text_has_no_changes_and_a_version_alone_is_none() -> None:
    assert changes() == ()
    assert changes(("version: 2025-08-18", "version: 2026-01-01")) == ()


def test_a_number_is_changed_in_each_sentence_and_each_rule_that_holds_it() -> None:
    found = changes(("[7 days]", "[14 days]"))

    assert [(one.kind, one.clause, one.is_rule) for one in found] == [
        ("changed", "full", False),
        ("changed", "full", True),
        ("changed", "late", False),
        ("changed", "late", True),
    ]
    assert shown(found[2]) == (
        "A subscription is not refunded when you ask later than -7-+14+ days after buying it."
    )
    assert found[0].heading == "Changing your mind"


def test_a_rule_that_changed_under_the_same_sentence_is_shown() -> None:
    (found,) = changes(("generations <= free_use", "generations < free_use"))

    assert (found.clause, found.is_rule) == ("full", True)
    assert "-at most-+below+" in shown(found)


def test_a_remark_without_an_id_is_changed_in_place() -> None:
    (found,) = changes(("This page says when", "This page tells you when"))

    assert (found.kind, found.clause, found.is_rule) == ("changed", "", False)
    assert shown(found).startswith("This page -says-+tells you+ when you get money back")


def test_added_is_the_other_side_of_removed() -> None:
    remark = "\nA person reads every appeal. {.info}\n"
    longer = read(TEXT + remark)

    (added,) = find_text_changes(read(TEXT), longer)
    (removed,) = find_text_changes(longer, read(TEXT))

    assert (added.kind, removed.kind) == ("added", "removed")
    assert shown(added) == "+A person reads every appeal.+"
    assert shown(removed) == "-A person reads every appeal.-"


def test_a_sentence_that_moved_is_neither_new_nor_gone() -> None:
    late, heavy, credits_ = (
        TEXT.index(start) for start in ("- A subscription is not", "- A subscription of", "## Credits")
    )
    swapped = TEXT[:late] + TEXT[heavy:credits_] + TEXT[late:heavy] + TEXT[credits_:]

    assert find_text_changes(read(TEXT), read(swapped)) == ()
    (found,) = find_text_changes(read(TEXT), read(swapped.replace("later than", "after")))
    assert (found.kind, found.clause) == ("changed", "late")


@pytest.mark.parametrize("edit", [("[7 days]", "[14 days]"), ("This page says", "The page says")])
def test_what_is_kept_and_added_is_the_later_text_and_what_is_kept_and_removed_the_earlier(
    edit: tuple[str, str],
) -> None:
    before, after = read(TEXT), read(TEXT.replace(*edit))

    for there, back in zip(find_text_changes(before, after), find_text_changes(after, before), strict=True):
        assert "".join(run.text for run in there.runs if run.kind != "removed") == "".join(
            run.text for run in back.runs if run.kind != "added"
        )
