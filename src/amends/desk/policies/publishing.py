"""Propose a text, agree to it as a second person, call a version off: what has to be true for each."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.jobs import enqueue
from amends.desk.policies.actions import effective_at, publish
from amends.desk.policies.drafting import (
    RefusedError,
    close_draft,
    demand_author,
    demand_open,
    latest_text,
    read_draft,
)
from amends.desk.policies.examining import latest, open_findings, version_in_force
from amends.desk.policies.models import (
    Answer,
    Cancellation,
    Draft,
    DraftText,
    ExaminationKind,
    PolicyVersion,
    Proposal,
    Verdict,
)
from amends.desk.unit_of_work import unit_of_work
from amends.policy.model import Policy


def obstacles(text: DraftText) -> list[str]:
    """All that keeps a text from being published whoever wants it, in words; the notice is judged when it is proposed."""
    policy, problems, _shown = read_draft(text.text)
    if policy is None:
        words = ngettext(
            "The text does not read: %(n)d problem.", "The text does not read: %(n)d problems.", len(problems)
        )
        return [words % {"n": len(problems)}]
    return [*_wrong_names(policy), *_unchecked(text), *_wrong_day(policy)]


def _wrong_names(policy: Policy) -> Iterator[str]:
    if policy.name != settings.POLICY_NAME:
        words = _("The text is of the policy “%(found)s”, and this desk decides by “%(name)s”.")
        yield words % {"found": policy.name, "name": settings.POLICY_NAME}
    if PolicyVersion.objects.filter(name=policy.name, version=policy.version).exists():
        words = _(
            "A version %(version)s was published before. Give this one a name of its own, behind `version:`."
        )
        yield words % {"version": policy.version}


def _unchecked(text: DraftText) -> Iterator[str]:
    check = latest(text, ExaminationKind.CHECK)
    if check is None or check.finished_at is None:
        yield _("This text has not been checked yet.")
    elif check.result is None:
        yield _("The check of this text did not end: %(why)s") % {"why": check.failure}
    elif found := len(open_findings(check)):
        words = ngettext("The check found %(n)d defect.", "The check found %(n)d defects.", found)
        yield words % {"n": found}
    elif not check.result["complete"]:
        yield _("The check stopped before it had asked everything.")


def _wrong_day(policy: Policy) -> Iterator[str]:
    """A later version begins in the future; the first one of a desk may begin when it likes (reading R15)."""
    if version_in_force() is not None and effective_at(policy) <= clock.now():
        words = _("It would be in force from %(day)s, which has begun. Name a later day behind `effective:`.")
        yield words % {"day": policy.effective}


def keeps_notice(policy: Policy) -> bool:
    """Whether customers, told now, know of the version long enough before it is in force (V1)."""
    notice = timedelta(days=settings.POLICY_NOTICE_DAYS)
    return version_in_force() is None or effective_at(policy) >= clock.now() + notice


def propose(draft: Draft, by: User, text_sha256: str, reason: str, short_notice_reason: str = "") -> Proposal:
    """Ask for the latest text of a draft, as it was shown, to be published.

    Locks: the draft.
    Raises: RefusedError.
    """
    demand_author(by)
    with unit_of_work():
        demand_open(draft)
        text = latest_text(draft)
        policy = _demand_publishable(text, text_sha256)
        _demand_notice(policy, by, short_notice_reason)
        if not reason:
            raise RefusedError(_("Please say why the policy changes; customers are told."))
        if open_proposal(draft) is not None:
            raise RefusedError(_("This text is proposed already; somebody else has to agree to it."))
        proof = latest(text, ExaminationKind.CHECK)
        assert proof is not None
        proposal = Proposal.objects.create(
            text=text,
            proof=proof,
            effective_at=effective_at(policy),
            reason=reason,
            short_notice_reason="" if keeps_notice(policy) else short_notice_reason,
            proposed_by=by,
            proposed_at=clock.now(),
        )
        said = {"sha256": text.sha256, "effective": policy.effective, "reason": reason}
        if proposal.short_notice_reason:
            said["short_notice_reason"] = short_notice_reason
        record(f"draft:{draft.id}", f"staff:{by.id}", "proposed", **said)
    return proposal


def open_proposal(draft: Draft) -> Proposal | None:
    """The proposal that somebody can answer: of the latest text, and without an answer."""
    wanted = Proposal.objects.filter(text=latest_text(draft), answer=None)
    return wanted.select_related("text", "proposed_by", "proof").order_by("-proposed_at").first()


def approve(draft: Draft, by: User, text_sha256: str) -> PolicyVersion:
    """Agree to what is proposed, as it was shown; it is published, and customers are told in a job.

    Locks: the draft. The database refuses the proposer's own yes.
    Raises: RefusedError.
    """
    demand_author(by)
    with unit_of_work():
        proposal = _demand_proposal(draft)
        policy = _demand_publishable(proposal.text, text_sha256)
        if not (keeps_notice(policy) or proposal.short_notice_reason):
            raise RefusedError(
                _("Customers would be told too late by now. Name a later day, and propose the text again.")
            )
        is_first = version_in_force() is None
        _answer(proposal, by, Verdict.APPROVE, text_sha256)
        version = _publish(proposal, by)
        close_draft(draft)
        record(f"draft:{draft.id}", f"staff:{by.id}", "approved", sha256=text_sha256)
        if not is_first:
            enqueue("announce_version", version_id=str(version.id))
    return version


def _publish(proposal: Proposal, by: User) -> PolicyVersion:
    try:
        with transaction.atomic():
            return publish(proposal.text.text, by, proposal)
    except IntegrityError as error:
        if "one_text_per_version" in str(error):
            raise RefusedError(_("A version of this name was published meanwhile.")) from error
        raise


def decline(draft: Draft, by: User, reason: str) -> None:
    """Say no to what is proposed; the draft stays open.

    Raises: RefusedError.
    """
    demand_author(by)
    with unit_of_work():
        proposal = _demand_proposal(draft)
        if not reason:
            raise RefusedError(_("Please say why; the author reads it."))
        _answer(proposal, by, Verdict.DECLINE, proposal.text.sha256, reason)
        record(f"draft:{draft.id}", f"staff:{by.id}", "declined", reason=reason)


def cancel(version: PolicyVersion, by: User, reason: str) -> Cancellation:
    """Call a version off before its day; whoever was told of it is told in a job.

    Locks: the version. The database refuses it from that day on.
    Raises: RefusedError.
    """
    demand_author(by)
    if not reason:
        raise RefusedError(_("Please say why; customers who were told of the version are told."))
    with unit_of_work():
        # Two people at once: the second one finds it called off.
        version.refresh_from_db(from_queryset=PolicyVersion.objects.select_for_update(no_key=True))
        if not is_scheduled(version):
            raise RefusedError(
                _("Only a version that waits for its day is called off. Publish another one instead.")
            )
        canceled = Cancellation.objects.create(version=version, by=by, reason=reason, at=clock.now())
        record(f"policy:{version.id}", f"staff:{by.id}", "canceled", reason=reason)
        enqueue("announce_version", version_id=str(version.id))
    return canceled


def is_scheduled(version: PolicyVersion) -> bool:
    """Whether a version waits for its day; the first of a desk applies at once (reading R15)."""
    is_canceled = Cancellation.objects.filter(version=version).exists()
    return version.effective_at > clock.now() and version != version_in_force() and not is_canceled


def _demand_proposal(draft: Draft) -> Proposal:
    demand_open(draft)
    proposal = open_proposal(draft)
    if proposal is None:
        raise RefusedError(_("Nothing is proposed: the text was changed or answered meanwhile."))
    return proposal


def _demand_publishable(text: DraftText, shown_sha256: str) -> Policy:
    if text.sha256 != shown_sha256:
        raise RefusedError(_("The text was changed meanwhile; look at it again."))
    if found := obstacles(text):
        raise RefusedError(" ".join(found))
    policy, _problems, _shown = read_draft(text.text)
    assert policy is not None
    return policy


def _demand_notice(policy: Policy, by: User, short_notice_reason: str) -> None:
    if keeps_notice(policy):
        return
    days = {"n": settings.POLICY_NOTICE_DAYS}
    if not by.has_role(Role.ADMIN):
        raise RefusedError(
            _(
                "Customers are told %(n)d days before; name a later day behind `effective:`, or ask an administrator."
            )
            % days
        )
    if not short_notice_reason:
        raise RefusedError(
            _("Customers are told %(n)d days before. Please say why not this time, such as: required by law.")
            % days
        )


def _answer(proposal: Proposal, by: User, verdict: Verdict, sha256: str, reason: str = "") -> None:
    try:
        with transaction.atomic():
            Answer.objects.create(
                proposal=proposal, by=by, verdict=verdict, text_sha256=sha256, reason=reason, at=clock.now()
            )
    except IntegrityError as error:
        if "they proposed" in str(error):
            raise RefusedError(_("You proposed this; somebody else has to answer.")) from error
        raise
