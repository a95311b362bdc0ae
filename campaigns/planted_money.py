"""Defects to plant into the money core, one at a time; the simulation has to find each."""

from dataclasses import dataclass

PAYMENTS = "src/amends/desk/payments/"
PROTOCOL, SENDING, ACTIONS, INBOX = (
    f"{PAYMENTS}{name}.py" for name in ("protocol", "sending", "actions", "inbox")
)
ALLOCATION, BOOKKEEPING, GATEWAY, MODELS = (
    f"{PAYMENTS}{name}.py" for name in ("allocation", "bookkeeping", "stripe_gateway", "models")
)
GUARDS = f"{PAYMENTS}migrations/0004_linked_disputes.py"
RESERVED = "state NOT IN ('rejected', 'failed', 'canceled')"
"""What the check of a refund counts; the file has it twice, so a patch names what follows in the check of today."""
LINKED = """;
    SELECT taken + coalesce(sum(amount), 0) INTO taken FROM payments_dispute
        WHERE (payment_id = NEW.payment_id OR linked_payment_id = NEW.payment_id) AND status = 'lost'"""
CHECK = '''RESERVE = """
CREATE OR REPLACE FUNCTION payments_check_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    charged record;
    taken bigint;
BEGIN
    IF NEW.origin <> 'desk' THEN
        RETURN NEW;
    END IF;
    SELECT captured, currency INTO charged FROM payments_payment WHERE id = NEW.payment_id'''


@dataclass(frozen=True, slots=True)
class Patch:
    """One place of the source, before and after."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect; `redundant` says why another guard makes up for it."""

    name: str
    patches: tuple[Patch, ...]
    redundant: str = ""


def planted(name: str, file: str, before: str, after: str, *more: Patch, redundant: str = "") -> Planted:
    """A defect in one place, or in several that guard each other."""
    return Planted(name, (Patch(file, before, after), *more), redundant)


NO_RECHECK = Patch(
    INBOX, "due = Refund.objects.filter(unsettled | recent,", "due = Refund.objects.filter(unsettled,"
)
NO_EVENT = Patch(INBOX, '    "refund.failed",\n', "")
NO_SUMS = Patch(INBOX, "moved = Q(refunds__changed_at__gt=now - RECHECK_FOR) |", "moved =")

PLANTED = (
    planted(
        "a new key for each send",
        MODELS,
        'return f"{self.id}:{self.generation}"',
        'return f"{self.id}:{self.sends}"',
    ),
    planted(
        "a part above what is left of its payment",
        ALLOCATION,
        "parts[place] = min(max(left[place], 0), rest)",
        "parts[place] = rest",
    ),
    planted(
        "a residual that no payment pays back",
        ALLOCATION,
        "    if rest:\n        raise NothingLeftError(str(amount))\n",
        "",
    ),
    planted(
        "the window of a key forgotten",
        PROTOCOL,
        "is_over = now - refund.first_sent_at > KEY_WINDOW",
        "is_over = False",
    ),
    planted(
        "a window longer than the gateway's",
        PROTOCOL,
        "KEY_WINDOW = timedelta(hours=23)",
        "KEY_WINDOW = timedelta(hours=25)",
    ),
    planted("no quiet period", PROTOCOL, "now - refund.last_sent_at <= QUIET or ", ""),
    planted("what others returned not compared", PROTOCOL, " or not is_all_known", ""),
    planted(
        "a time-out is a failure",
        PROTOCOL,
        "    return Turn(RefundState.UNKNOWN, error.code, wait(refund))",
        "    return Turn(RefundState.REJECTED, error.code)",
    ),
    planted("a later refusal is final", PROTOCOL, "case Rejected() if was_only_send:", "case Rejected():"),
    planted(
        "not now means never before",
        PROTOCOL,
        "RefundState.PLANNED if was_only_send else RefundState.UNKNOWN",
        "RefundState.PLANNED",
    ),
    planted(
        "a stored error asked for again",
        PROTOCOL,
        "return Turn(RefundState.UNKNOWN, STORED_ANSWER, wait(refund))",
        "return Turn(RefundState.UNKNOWN, error.code, wait(refund))",
    ),
    planted("keys without end", PROTOCOL, "GENERATIONS_MAX = 2", "GENERATIONS_MAX = 99"),
    planted("a person after one key", PROTOCOL, "GENERATIONS_MAX = 2", "GENERATIONS_MAX = 1"),
    planted(
        "a dispute ignored before the first send",
        PROTOCOL,
        "return Step.CANCEL if is_disputed else Step.SEND",
        "return Step.SEND",
    ),
    planted("a dispute ignored after a send", PROTOCOL, "is_over or is_disputed or ", "is_over or "),
    planted(
        "answers trusted in their order",
        PROTOCOL,
        "    if ours in (RefundState.FAILED, RefundState.CANCELED):\n        return True\n    return ours is RefundState.SUCCEEDED and theirs in",
        "    return ours is RefundState.PLANNED and theirs in",
        redundant="what is applied was fetched under the lock; only a gateway whose reads lag for long shows it",
    ),
    planted("sends not counted before the call", SENDING, "refund.sends + 1", "refund.sends"),
    planted(
        "a lease that nobody respects",
        SENDING,
        "    AND (refund.leased_until IS NULL OR refund.leased_until < statement_timestamp())\n",
        "",
    ),
    planted(
        "no lease at all", SENDING, "[LEASE.seconds, *counted, refund.id]", "[None, *counted, refund.id]"
    ),
    planted(
        "a late error believed over a notice",
        SENDING,
        "        if locked.state != RefundState.SENDING:",
        "        if locked.state == RefundState.PLANNED:",
    ),
    planted(
        "the answer written to a stale row",
        SENDING,
        "    return find_locked(Refund, refund.id)",
        "    return refund",
    ),
    planted("held refunds sent", SENDING, "    AND NOT refund.is_held\n", ""),
    planted(
        "an answer of another amount taken",
        GATEWAY,
        '"amount": refund.amount,',
        '"amount": payment.captured,',
    ),
    planted(
        "parameters that change",
        GATEWAY,
        '"metadata": {"refund_id"',
        '"metadata": {"sends": str(refund.sends), "refund_id"',
    ),
    planted("a 500 is a refusal", GATEWAY, "or status >= 500 or", "or status > 500 or"),
    planted(
        "an unreadable 200 is a refusal",
        GATEWAY,
        'raise OutcomeUnknown("unreadable_answer") from error',
        'raise Rejected("unreadable_answer") from error',
        Patch(GATEWAY, "or status < 400:", "or False:"),
    ),
    planted(
        "too many requests is a refusal",
        GATEWAY,
        "if code in _TRANSIENT_CODES or status == 429:",
        "if code in () and status == 429:",
    ),
    planted(
        "no funds is a refusal", GATEWAY, "        return NoFunds(code)", "        return Rejected(code)"
    ),
    planted("the same key after no funds", PROTOCOL, ", is_key_spent=True", ""),
    planted(
        "no funds believed of an earlier send",
        PROTOCOL,
        "        case NoFunds() if was_only_send:",
        "        case NoFunds():",
        redundant="the answer is stored under the key, so a late send with it meets the same refusal",
    ),
    planted("a key in use is a refusal", GATEWAY, "    if status == 409:", "    if status == 410:"),
    planted(
        "nothing mirrored when money comes back",
        BOOKKEEPING,
        "        if kind in standing and kind not in wanted:",
        "        if kind in standing and kind in wanted:",
    ),
    planted("posted twice", BOOKKEEPING, "if kind in wanted and kind not in posted]", "if kind in wanted]"),
    planted(
        "settled while pending",
        BOOKKEEPING,
        "    RefundState.PENDING: (SENT,),",
        "    RefundState.PENDING: (SENT, SETTLED),",
    ),
    planted("a lost dispute not booked", BOOKKEEPING, "if is_lost and standing is None:", "if False:"),
    planted(
        "a move without its audit row",
        ACTIONS,
        '    record(f"refund:{refund.id}", actor, state.value, before=before.value, reason=reason)\n',
        "",
    ),
    planted(
        "what waits is not reserved",
        GUARDS,
        RESERVED + LINKED,
        "state NOT IN ('rejected', 'failed', 'canceled', 'planned')" + LINKED,
    ),
    planted(
        "what failed stays reserved",
        GUARDS,
        RESERVED + LINKED,
        "state NOT IN ('rejected', 'canceled')" + LINKED,
    ),
    planted("lost disputes do not count", GUARDS, LINKED, f"{LINKED} AND false"),
    planted("the check outside the lock", GUARDS, f"{CHECK}\n        FOR NO KEY UPDATE;", f"{CHECK};"),
    planted(
        "refunds of others not imported",
        INBOX,
        "    refund = own or import_refund(payment, snapshot)\n",
        "    refund = own\n    if refund is None:\n        return found\n",
    ),
    planted(
        "our own id not looked for",
        INBOX,
        "    if known is not None or not snapshot.refund_id:\n        return known\n",
        "    return known\n",
    ),
    planted(
        "the name of a notice trusted",
        INBOX,
        "    _apply_snapshot(payment, gateway.refund(ref))\n    return payment\n",
        "    _apply_snapshot(payment, gateway.refund(ref))\n"
        "    Refund.objects.filter(gateway_ref=ref, state='succeeded').update(state='pending')\n    return payment\n",
    ),
    planted(
        "no second look at what succeeded, by anybody",
        NO_RECHECK.file,
        NO_RECHECK.before,
        NO_RECHECK.after,
        NO_EVENT,
        NO_SUMS,
    ),
    planted(
        "unknown refunds not looked for, by anybody",
        INBOX,
        "made = gateway.refunds_since(clock.now() - RECHECK_FOR)",
        "made = gateway.refunds_since(clock.now())",
        Patch(INBOX, "clock.now() - CATCH_UP_OVER", "clock.now()"),
        NO_SUMS,
    ),
    planted(
        "no second look by the sweeper",
        NO_RECHECK.file,
        NO_RECHECK.before,
        NO_RECHECK.after,
        redundant="missed events and the sums of each payment show the same; without all three it is found",
    ),
    planted(
        "fetched before the lock",
        INBOX,
        "    payment = _charged_for(ref) or",
        "    snapshot = gateway.refund(ref)\n    payment = _charged_for(ref) or",
        Patch(INBOX, "_apply_snapshot(payment, gateway.refund(ref))", "_apply_snapshot(payment, snapshot)"),
        redundant="a state that was left is never taken again",
    ),
    planted(
        "a notice applied again",
        INBOX,
        "            if notice.applied_at is not None:\n                return None\n",
        "",
        redundant="applying fetches, and what is known already changes nothing",
    ),
)
