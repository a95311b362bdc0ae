"""The bodies of jobs, and what is looked at regularly."""

from contextlib import suppress
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

from amends.desk import clock
from amends.desk.announcements.delivering import deliver_next
from amends.desk.audit.actions import close_day
from amends.desk.cases.deciding import wake_due
from amends.desk.cases.handing_over import mail_developers
from amends.desk.cases.paying import follow, follow_left_behind, follow_payment
from amends.desk.mail.answering import acknowledge, invite_waiting, send_invitation
from amends.desk.mail.drafts import expire_drafts
from amends.desk.mail.sorting import sort_mail, sort_overlooked
from amends.desk.notices.actions import send, send_kept
from amends.desk.orders.actions import change_next_plan
from amends.desk.orders.guests import invite_guest
from amends.desk.payments.gateway import GatewayError
from amends.desk.payments.inbox import (
    apply_notice,
    catch_up,
    sweep_refunds,
    waiting_notices,
)
from amends.desk.payments.sending import send_next
from amends.desk.payments.stripe_gateway import connect
from amends.desk.policies.announcing import announce_to_all
from amends.desk.policies.examining import Past, examine
from amends.desk.reconciliation.actions import reconcile_lately

BATCH = 50
"""How much one run does before it makes room for others."""
AGAIN = RetryStrategy(max_attempts=20, exponential_wait=2)


@app.task(name="send_letters", retry=AGAIN)
def send_letters(letter_ids: list[str]) -> None:
    """Send the letters that were written to a customer at once; a repeated attempt sends those that are left."""
    for letter_id in letter_ids:
        send(UUID(letter_id))


@app.task(name="send_kept_mail", retry=AGAIN)
def send_kept_mail(key: str) -> None:
    """Send a mail that belongs to no case, such as a code to sign in; its words are never in the queue or the log."""
    send_kept(key)


@app.task(name="invite_guest")
def invite(key: str) -> None:
    """Send a way in to the address on file, if address and order belong together (reading R13)."""
    invite_guest(key)


@app.task(name="mail_developers", retry=AGAIN)
def mail_fault(case_id: str, fault_id: str) -> None:
    """Send the report of a fault to the developers."""
    mail_developers(UUID(case_id), UUID(fault_id))


@app.task(name="sort_mail", retry=AGAIN)
def sort_one_mail(mail_id: str) -> None:
    """Read a letter that came in, and do what becomes of it."""
    sort_mail(UUID(mail_id))


@app.task(name="invite_writer", retry=AGAIN)
def invite_writer(draft_id: str) -> None:
    """Send the customer of a draft a link to it."""
    send_invitation(UUID(draft_id))


@app.task(name="acknowledge_mail", retry=AGAIN)
def acknowledge_mail(mail_id: str) -> None:
    """Tell a writer whom we do not know that the letter is here."""
    acknowledge(UUID(mail_id))


@app.task(
    name="apply_notice",
    retry=RetryStrategy(max_attempts=10, exponential_wait=2, retry_exceptions={GatewayError}),
)
def apply_one_notice(event_id: str) -> None:
    """Apply one notice of the gateway."""
    payment = apply_notice(connect(), event_id)
    if payment is not None:
        follow_payment(payment)


@app.task(name="examine_draft", lock="examine_draft", retry=AGAIN)
def examine_draft(examination_id: str) -> None:
    """Find out what was asked about the text of a draft; one at a time, for each takes a processor."""
    from amends.desk.cases import history  # noqa: PLC0415 -- loads the writer of SQL, which few need

    examine(UUID(examination_id), Past(history.replay_requests, history.replay_purchases))


@app.task(name="announce_version", retry=AGAIN)
def announce_version(version_id: str) -> None:
    """Tell every customer once that a version will be in force, or that it will not."""
    announce_to_all(UUID(version_id))


def pay() -> None:
    """Change plans and send refunds that are due, and bring their cases along."""
    gateway = connect()
    for _ in range(BATCH):
        change = change_next_plan(gateway)
        if change is None:
            break
        follow(change.case_id)
    for _ in range(BATCH):
        refund = send_next(gateway)
        if refund is None:
            break
        if refund.case_id is not None:
            follow(refund.case_id)


def look_around() -> None:
    """Unsettled refunds, notices, letters and cases that no job took, days that have come, yesterday's root."""
    for payment in sweep_refunds(connect()):
        follow_payment(payment)
    for event_id in waiting_notices():
        # One that cannot be fetched now must not keep the others waiting; its attempts are counted.
        with suppress(GatewayError):
            apply_one_notice(event_id)
    follow_left_behind()
    wake_due()
    sort_overlooked(BATCH)
    invite_waiting(BATCH)
    expire_drafts(BATCH)
    yesterday = clock.yesterday()
    close_day(yesterday)


def compare() -> None:
    """What notices did not tell: missed events, refunds that we do not know, the sums of each payment, once a day."""
    gateway = connect()
    # What cannot be asked now is asked in an hour.
    with suppress(GatewayError):
        catch_up(gateway)
    reconcile_lately(gateway)


def tell() -> None:
    """Tell host products what is due."""
    for _ in range(BATCH):
        if deliver_next() is None:
            break


@app.periodic(cron="* * * * * */2")
@app.task(name="tell", queueing_lock="tell")
def tell_regularly(timestamp: int) -> None:  # noqa: ARG001  # as below
    """The queue of events, every two seconds."""
    tell()


@app.periodic(cron="* * * * * */2")
@app.task(name="pay", queueing_lock="pay")
def pay_regularly(timestamp: int) -> None:  # noqa: ARG001  # procrastinate hands the planned time over
    """The refund queue, every two seconds."""
    pay()


@app.periodic(cron="* * * * * */10")
@app.task(name="look_around", queueing_lock="look_around")
def look_around_regularly(timestamp: int) -> None:  # noqa: ARG001  # as above
    """The sweepers, every ten seconds."""
    look_around()


@app.periodic(cron="7 * * * *")
@app.task(name="compare", queueing_lock="compare")
def compare_regularly(timestamp: int) -> None:  # noqa: ARG001  # as above
    """The comparison with the gateway, every hour."""
    compare()


@app.periodic(cron="* * * * *")
@app.task(name="revive_stalled", queueing_lock="revive_stalled")
async def revive_stalled_regularly(timestamp: int) -> None:  # noqa: ARG001  # as above
    """The jobs that a killed worker had begun, every minute."""
    await revive_stalled()


async def revive_stalled() -> None:
    """Put jobs whose worker is gone back into the queue; regular ones are ended, because they come again anyway."""
    for job in await app.job_manager.get_stalled_jobs():
        if job.queueing_lock is None:
            await app.job_manager.retry_job(job)
        else:
            await app.job_manager.finish_job(job, Status.ABORTED, delete_job=True)
