"""Begin a draft, save its text, discard it: who may, and what a text has to be for that."""

import hashlib

from django.utils.translation import gettext as _

from amends import PolicyError, parse_policy
from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.policies.models import Draft, DraftText
from amends.desk.unit_of_work import unit_of_work
from amends.policy.errors import Problem
from amends.policy.model import Policy

AUTHORS = (Role.POLICY_OWNER, Role.ADMIN)
"""Who writes, proposes and publishes versions of the policy."""
TEXT_BYTES_MAX = 1_000_000


class RefusedError(Exception):
    """What somebody wants with a draft or a version is refused; the message says why, and nothing was written."""


def demand_author(by: User) -> None:
    """Raises: RefusedError: the person has no part in publishing."""
    if not by.has_role(*AUTHORS):
        raise RefusedError(_("Only policy owners and administrators work on the policy."))


def start_draft(by: User, text: str, note: str) -> Draft:
    """Begin a draft with a text, which need not read yet.

    Raises: RefusedError.
    """
    demand_author(by)
    with unit_of_work():
        draft = Draft.objects.create(note=note, started_by=by, started_at=clock.now())
        _add_text(draft, by, text, 1)
        record(f"draft:{draft.id}", f"staff:{by.id}", "started", note=note)
    return draft


def save_text(draft: Draft, by: User, text: str, seen: int) -> DraftText:
    """Save a text as the latest of a draft; `seen` is the place of the one that it was made from.

    Locks: the draft. A text that says the same as the latest is not saved again.
    Raises: RefusedError: somebody else saved one meanwhile, or the draft is closed.
    """
    demand_author(by)
    with unit_of_work():
        demand_open(draft)
        latest = latest_text(draft)
        if latest.sequence != seen:
            saved_by = latest.saved_by.name or latest.saved_by.email
            raise RefusedError(
                _("%(name)s saved another text meanwhile. Copy what you wrote, and open the draft again.")
                % {"name": saved_by}
            )
        if latest.text == _clean(text):
            return latest
        added = _add_text(draft, by, text, latest.sequence + 1)
        record(f"draft:{draft.id}", f"staff:{by.id}", "saved", sequence=added.sequence, sha256=added.sha256)
    return added


def discard_draft(draft: Draft, by: User) -> None:
    """Give a draft up; its texts stay.

    Locks: the draft. Raises: RefusedError.
    """
    demand_author(by)
    with unit_of_work():
        demand_open(draft)
        close_draft(draft)
        record(f"draft:{draft.id}", f"staff:{by.id}", "discarded")


def demand_open(draft: Draft) -> None:
    """Lock a draft until the transaction ends.

    Raises: RefusedError: it was published or discarded.
    """
    draft.refresh_from_db(from_queryset=Draft.objects.select_for_update(no_key=True))
    if draft.closed_at is not None:
        raise RefusedError(_("The draft is closed: it was published or discarded."))


def close_draft(draft: Draft) -> None:
    """No text is added from now on."""
    draft.closed_at = clock.now()
    draft.save(update_fields=["closed_at"])


def latest_text(draft: Draft) -> DraftText:
    """What the draft says now."""
    return draft.texts.select_related("saved_by").latest("sequence")


def read_draft(text: str) -> tuple[Policy | None, tuple[Problem, ...], str]:
    """The policy that a text says, or all that keeps it from reading, with a rendering of where."""
    try:
        return parse_policy(text), (), ""
    except PolicyError as error:
        return None, error.problems, str(error)


def _add_text(draft: Draft, by: User, text: str, sequence: int) -> DraftText:
    cleaned = _clean(text)
    return DraftText.objects.create(
        draft=draft,
        sequence=sequence,
        text=cleaned,
        sha256=hashlib.sha256(cleaned.encode()).hexdigest(),
        saved_by=by,
        saved_at=clock.now(),
    )


def _clean(text: str) -> str:
    """The text as a file has it: browsers send every end of a line as two characters."""
    cleaned = text.replace("\r\n", "\n").strip("\n") + "\n"
    if "\0" in cleaned:
        raise RefusedError(_("The text holds a character that cannot be kept; please type it again."))
    if len(cleaned.encode()) > TEXT_BYTES_MAX:
        raise RefusedError(_("The text is too long: a policy has at most 1,000,000 bytes."))
    return cleaned
