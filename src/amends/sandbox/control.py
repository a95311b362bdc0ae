"""The control of the sandbox: its clock, its faults, what banks and other people do."""

import re
from collections.abc import Callable, Iterator

from amends.sandbox.charges import Charges
from amends.sandbox.errors import ApiError, refused
from amends.sandbox.events import Mishap, public
from amends.sandbox.faults import Faults
from amends.sandbox.forms import amount_of
from amends.sandbox.parameters import (
    NOTHING,
    Parameters,
    clearable,
    currency,
    flag,
    not_negative,
    one_of,
    positive,
    text,
)
from amends.sandbox.passage import Passage
from amends.sandbox.refunds import REFUND
from amends.sandbox.routes import Answer, Route
from amends.sandbox.store import Object
from amends.sandbox.world import World

_ADVANCE = Parameters(free=dict.fromkeys(("seconds", "hours", "days"), not_negative))
_FAULT = Parameters(
    {"fault": text}, dict.fromkeys(("code", "count", "method", "path", "seconds", "share"), text)
)
_WEBHOOKS = Parameters(
    free={
        "copies": positive,
        "delay_seconds": not_negative,
        "muted": flag,
        "reorder": positive,
        "thin": flag,
        "url": text,
        **dict.fromkeys([one.value for one in Mishap], not_negative),
    }
)
_ACCOUNT = Parameters(
    free={
        "balance": one_of("unlimited", "enforced"),
        "exchange_rate": text,
        "fee_fixed": not_negative,
        "fee_rate": text,
        "list_lag_seconds": not_negative,
        "livemode": flag,
        "requests_per_second": not_negative,
        "settlement_currency": clearable(currency),
    }
)
_TOP_UP = Parameters({"amount": positive, "currency": currency})
_DISPUTE = Parameters(free={"inquiry": flag, "reason": text})
_DECISION = Parameters({"status": text})
_SHOWN = ("charge", "refund", "dispute", "subscription", "invoice")
_RATE = re.compile(r"\d+(\.\d+)?")


class Control:
    """What no merchant can do."""

    def __init__(self, world: World, faults: Faults, passage: Passage, charges: Charges) -> None:
        self.world = world
        self.faults = faults
        self.passage = passage
        self.charges = charges

    def routes(self) -> Iterator[Route]:
        """All paths."""
        refunds, disputes = self.passage.refunds, self.passage.disputes
        yield Route("GET", "/_sandbox/clock", NOTHING, lambda *_: self._clock())
        yield Route("POST", "/_sandbox/clock/advance", _ADVANCE, self._advance)
        yield Route("POST", "/_sandbox/faults", _FAULT, self._add_fault)
        yield Route("DELETE", "/_sandbox/faults", NOTHING, self._clear_faults)
        yield Route("POST", "/_sandbox/webhooks", _WEBHOOKS, self._set_webhooks)
        yield Route("GET", "/_sandbox/account", NOTHING, lambda *_: self.world.settings())
        yield Route("POST", "/_sandbox/account", _ACCOUNT, self._set_account)
        yield Route("POST", "/_sandbox/top_up", _TOP_UP, self._top_up)
        yield Route("GET", "/_sandbox/dump", NOTHING, self._dump)
        yield self._of("refund", "succeed", NOTHING, lambda one, _: refunds.succeed(one))
        yield self._of(
            "refund",
            "fail",
            Parameters(free={"reason": text}),
            lambda one, sent: refunds.fail(one, str(sent.get("reason", "declined"))),
        )
        yield self._of(
            "charge", "refund", REFUND, lambda one, sent: refunds.create(sent | {"charge": one["id"]})
        )
        yield self._of(
            "charge",
            "dispute",
            _DISPUTE,
            lambda one, sent: disputes.open(
                one, is_inquiry=bool(sent.get("inquiry")), reason=str(sent.get("reason", "general"))
            ),
        )
        yield self._of("charge", "book_fee", NOTHING, lambda one, _: self.charges.book_fee(one))
        yield self._of(
            "dispute", "close", _DECISION, lambda one, sent: disputes.move(one, str(sent["status"]))
        )

    def _of(
        self, kind: str, verb: str, parameters: Parameters, act: Callable[[Object, Object], Object]
    ) -> Route:
        answer: Answer = lambda match, sent: act(self.world.get(kind, match[1]), sent)  # noqa: E731  # named once
        return Route("POST", f"/_sandbox/{kind}s/([^/]+)/{verb}", parameters, answer)

    def _clock(self) -> Object:
        return {"now": self.world.clock.now(), "moved_seconds": self.world.clock.moved_seconds()}

    def _advance(self, _: re.Match[str], sent: Object) -> Object:
        sizes = {"seconds": 1, "hours": 3_600, "days": 86_400}
        seconds = sum(amount_of(sent, name) * size for name, size in sizes.items() if name in sent)
        if seconds <= 0:
            raise refused("parameter_missing", "Send seconds, hours or days above zero.")
        self.passage.advance(seconds)
        return self._clock()

    def _add_fault(self, _: re.Match[str], sent: Object) -> Object:
        try:
            self.faults.add(sent)
        except (KeyError, ValueError, re.error) as error:
            raise ApiError(400, "parameter_invalid", f"No such fault: {error}.", param="fault") from error
        return {"planned": sent}

    def _clear_faults(self, *_: object) -> Object:
        self.faults.clear()
        return {"planned": None}

    def _set_webhooks(self, _: re.Match[str], sent: Object) -> Object:
        events = self.world.events
        mischief = events.mischief
        events.url = str(sent.pop("url", events.url))
        mischief.mishaps |= {one: amount_of(sent, one.value) for one in Mishap if one.value in sent}
        mischief.copies = amount_of({"copies": mischief.copies} | sent, "copies")
        mischief.reorder = amount_of({"reorder": mischief.reorder} | sent, "reorder")
        mischief.delay_seconds = (
            amount_of(sent, "delay_seconds") if "delay_seconds" in sent else mischief.delay_seconds
        )
        mischief.is_muted = bool(sent.get("muted", mischief.is_muted))
        mischief.is_thin = bool(sent.get("thin", mischief.is_thin))
        return {"url": events.url, "copies": mischief.copies, "muted": mischief.is_muted}

    def _set_account(self, _: re.Match[str], sent: Object) -> Object:
        for name in ("exchange_rate", "fee_rate"):
            if name in sent and not _RATE.fullmatch(str(sent[name])):
                raise refused("parameter_invalid", f"Write {name} as a decimal number, such as 0.92.", name)
        if "settlement_currency" in sent:
            sent["settlement_currency"] = sent["settlement_currency"] or ""
        return self.world.set(sent)

    def _top_up(self, _: re.Match[str], sent: Object) -> Object:
        booked = self.charges.ledger.top_up(amount_of(sent), str(sent["currency"]))
        self.passage.refunds.pay_waiting()
        return booked

    def _dump(self, *_: object) -> Object:
        return {kind: [public(item) for item in self.world.store.all(kind)] for kind in _SHOWN}
