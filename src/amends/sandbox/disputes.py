"""Disputes: the customer's bank takes the money back, and the merchant may answer."""

from amends.sandbox.errors import ApiError, refused
from amends.sandbox.forms import amount_of, nested
from amends.sandbox.ledger import Ledger
from amends.sandbox.parameters import Parameters, clearable, flag, group, metadata, text
from amends.sandbox.refunds import Refunds
from amends.sandbox.store import Object
from amends.sandbox.world import World, with_metadata

ANSWER_SECONDS = 7 * 86_400
"""How long the merchant may answer; then the bank has won."""
FEE = 1500
EVIDENCE = (
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "uncategorized_file",
    "uncategorized_text",
)
CHANGE = Parameters(
    free={
        "evidence": group(Parameters(free=dict.fromkeys(EVIDENCE, clearable(text)))),
        "metadata": metadata,
        "submit": flag,
    }
)
ENDED = ("won", "lost", "warning_closed", "prevented")
_VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}
"""What the text of the evidence brings about in trials, as it does at Stripe."""
_AFTER = {
    "needs_response": ("under_review", "won", "lost", "prevented"),
    "under_review": ("won", "lost"),
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response", "prevented"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "lost": ("won",),
}
"""Where a dispute goes from where it is; a bank may still give back what it took for good."""


class Disputes:
    """The part of the API in which banks speak."""

    def __init__(self, world: World, ledger: Ledger, refunds: Refunds) -> None:
        self.world = world
        self.ledger = ledger
        self.refunds = refunds

    def open(self, charge: Object, *, is_inquiry: bool = False, reason: str = "general") -> Object:
        """The customer's bank disputes a charge, or asks about it first, which moves no money."""
        if not charge["captured"]:
            raise refused("charge_not_disputable", "Nothing was taken with this charge.")
        charge["disputed"] = True
        self.world.change(charge)
        content: Object = {
            "amount": charge["amount"],
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "evidence": dict.fromkeys(EVIDENCE),
            "evidence_details": {
                "due_by": self.world.clock.now() + ANSWER_SECONDS,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": is_inquiry,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "warning_needs_response" if is_inquiry else "needs_response",
        }
        dispute = self.world.make("du", "dispute", content)
        self.world.events.emit("charge.dispute.created", dispute)
        if not is_inquiry:
            self._withdraw(dispute, charge)
        return dispute

    def _withdraw(self, dispute: Object, charge: Object) -> None:
        """The money goes; refunds that wait are stopped, for the customer has it already."""
        charge["_is_blocked"] = True
        self.world.change(charge)
        dispute["is_charge_refundable"] = False
        self._book(dispute, charge, -amount_of(dispute), FEE)
        self.world.change(dispute, "charge.dispute.funds_withdrawn")
        self.refunds.stop_waiting(charge)

    def _book(self, dispute: Object, charge: Object, amount: int, fee: int) -> None:
        booked = self.ledger.book_return("adjustment", str(dispute["id"]), charge, amount, fee=fee)
        known = dispute["balance_transactions"]
        assert isinstance(known, list)
        dispute["balance_transactions"] = [*known, booked]

    def update(self, dispute: Object, sent: Object) -> Object:
        """Write evidence down, and hand it in unless `submit` says not yet."""
        if dispute["status"] in ENDED:
            raise refused("dispute_closed", "The dispute has ended.")
        details = nested(dispute, "evidence_details")
        dispute["metadata"] = with_metadata(dispute["metadata"], sent.get("metadata"))
        evidence = nested(sent, "evidence")
        dispute["evidence"] = nested(dispute, "evidence") | evidence
        details["has_evidence"] = any(nested(dispute, "evidence").values())
        if evidence and sent.get("submit", True):
            details["submission_count"] = amount_of(details, "submission_count") + 1
            self._submit(dispute)
        return self.world.change(dispute, "charge.dispute.updated")

    def _submit(self, dispute: Object) -> None:
        words = str(nested(dispute, "evidence").get("uncategorized_text"))
        is_inquiry = str(dispute["status"]).startswith("warning")
        verdict = _VERDICTS.get(words)
        if verdict is None:
            dispute["status"] = "warning_under_review" if is_inquiry else "under_review"
        else:
            self.move(dispute, "warning_closed" if is_inquiry else verdict)

    def accept(self, dispute: Object) -> Object:
        """The merchant gives up; an inquiry is closed by it."""
        is_inquiry = str(dispute["status"]).startswith("warning")
        return self.move(dispute, "warning_closed" if is_inquiry else "lost")

    def move(self, dispute: Object, status: str) -> Object:
        """The bank goes on, or decides.

        Raises: ApiError: the dispute does not go there.
        """
        if status == dispute["status"]:
            return dispute
        if status not in _AFTER.get(str(dispute["status"]), ()):
            raise ApiError(
                400, "dispute_unexpected_state", f"A dispute in {dispute['status']} does not go to {status}."
            )
        charge = self.world.get("charge", dispute["charge"])
        had_money_taken = bool(dispute["balance_transactions"])
        dispute["status"] = status
        if status == "needs_response":
            self._withdraw(dispute, charge)
        if status in ("won", "prevented") and had_money_taken:
            self._book(dispute, charge, amount_of(dispute), 0)
            self.world.change(dispute, "charge.dispute.funds_reinstated")
        if status in ENDED and status != "lost":
            dispute["is_charge_refundable"], charge["_is_blocked"] = True, False
            self.world.change(charge)
        kind = "charge.dispute.closed" if status in ENDED else "charge.dispute.updated"
        return self.world.change(dispute, kind)

    def next_at(self) -> int | None:
        """When the next dispute runs out, None where none does."""
        waiting = self._unanswered()
        return min((amount_of(nested(one, "evidence_details"), "due_by") for one in waiting), default=None)

    def pass_time(self) -> None:
        """What is not answered in time is lost; an inquiry is closed."""
        now = self.world.clock.now()
        for dispute in self._unanswered():
            details = nested(dispute, "evidence_details")
            if amount_of(details, "due_by") <= now:
                details["past_due"] = True
                is_inquiry = dispute["status"] == "warning_needs_response"
                self.move(dispute, "warning_closed" if is_inquiry else "lost")

    def _unanswered(self) -> list[Object]:
        waiting = ("needs_response", "warning_needs_response")
        return self.world.store.all("dispute", lambda one: one["status"] in waiting)
