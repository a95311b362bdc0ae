"""A version that waits for its day can be called off, and whoever was told of it is told."""

from datetime import UTC, datetime

import pytest

from amends.desk import clock
from amends.desk.accounts.models import Role
from amends.desk.notices.models import Letter
from amends.desk.policies.actions import (
    published_versions,
    version_at_purchase,
)
from amends.desk.policies.drafting import RefusedError, latest_text
from amends.desk.policies.models import (
    Cancellation,
)
from amends.desk.policies.publishing import approve, cancel
from authoring import proposed, published, small, work_on_policies
from shop import Shop, go_to


def test_a_version_that_is_called_off_never_applies_and_those_who_were_told_are_told(shop: Shop) -> None:
    version = published(shop, small())
    owner = shop.staff("owner", Role.POLICY_OWNER)
    with pytest.raises(RefusedError, match="say why"):
        cancel(version, owner, "")

    cancel(version, owner, "The counsel objects.")
    work_on_policies()

    go_to(datetime(2025, 10, 2, tzinfo=UTC))
    assert version_at_purchase(clock.now()).version == "2025-08-18"
    assert [one.version for one in published_versions("flux-kontext-refunds")] == ["2025-08-18"]
    told = Letter.objects.filter(kind="policy_change").order_by("created_at", "id").last()
    assert told
    assert "It will not" in told.text
    assert "The counsel objects." in told.text
    with pytest.raises(RefusedError):
        cancel(version, owner, "Again.")


def test_nobody_is_told_of_a_version_that_was_called_off_before_the_letters(shop: Shop) -> None:
    draft = proposed(shop, small())
    second = shop.staff("second", Role.ADMIN)
    version = approve(draft, second, latest_text(draft).sha256)

    cancel(version, second, "A mistake.")
    work_on_policies()

    assert not Letter.objects.filter(kind="policy_change").exists()


def test_a_version_in_force_is_not_called_off(shop: Shop) -> None:
    version = published(shop, small())
    go_to(version.effective_at)

    with pytest.raises(RefusedError, match="waits for its day"):
        cancel(version, shop.staff("owner", Role.POLICY_OWNER), "Too dear.")

    assert not Cancellation.objects.exists()
