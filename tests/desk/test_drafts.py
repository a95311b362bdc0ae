"""Texts of a draft are kept, not overwritten, and examined one at a time."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from amends.desk.accounts.models import Role
from amends.desk.policies.drafting import RefusedError, discard_draft, latest_text, save_text, start_draft
from amends.desk.policies.examining import ask
from amends.desk.policies.models import (
    DraftText,
    ExaminationKind,
)
from authoring import small
from shop import Shop


def test_two_authors_do_not_overwrite_each_other(shop: Shop) -> None:
    author, other = shop.staff("author", Role.POLICY_OWNER), shop.staff("other", Role.POLICY_OWNER)
    draft = start_draft(author, small(), "")
    save_text(draft, other, small(window="10 days"), 1)

    with pytest.raises(RefusedError, match="other saved another text"):
        save_text(draft, author, small(window="9 days"), 1)

    assert "[10 days]" in latest_text(draft).text
    assert DraftText.objects.count() == 2


def test_a_text_that_says_the_same_is_not_saved_again(shop: Shop) -> None:
    author = shop.staff("author", Role.POLICY_OWNER)
    draft = start_draft(author, small(), "")

    save_text(draft, author, small().replace("\n", "\r\n"), 1)

    assert DraftText.objects.get().text == small()


def test_a_closed_draft_is_not_changed(shop: Shop) -> None:
    author = shop.staff("author", Role.POLICY_OWNER)
    draft = start_draft(author, small(), "")
    discard_draft(draft, author)

    with pytest.raises(RefusedError, match="closed"):
        save_text(draft, author, small(window="9 days"), 1)

    assert DraftText.objects.count() == 1


def test_examinations_wait_for_each_other(shop: Shop) -> None:
    author = shop.staff("author", Role.POLICY_OWNER)
    draft = start_draft(author, small(), "")
    first = ask(latest_text(draft), ExaminationKind.CHECK, author)

    assert ask(latest_text(draft), ExaminationKind.CHECK, author) == first
    job = ProcrastinateJob.objects.get(task_name="examine_draft")
    assert job.lock == "examine_draft"
