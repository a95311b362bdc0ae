"""Refusals as problem details (RFC 9457): a stable code, and words that say what, where, why and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, JsonResponse

CONTENT_TYPE = "application/problem+json"
FAULTS_MAX = 20

KINDS = {
    "malformed": (400, "The request cannot be read"),
    "key_required": (401, "A key is needed"),
    "key_unknown": (401, "The key is not valid"),
    "scope_missing": (403, "The key may not do this"),
    "not_found": (404, "There is no such thing"),
    "method_not_allowed": (405, "The address does not take this method"),
    "already_recorded": (409, "Something else is recorded under this id"),
    "case_under_way": (409, "A request about this purchase is under way"),
    "event_conflict": (409, "The event came before with another content"),
    "idempotency_key_reused": (409, "The idempotency key belongs to another request"),
    "not_possible_now": (409, "The case is past this point"),
    "too_large": (413, "The request is too large"),
    "unsupported_media_type": (415, "The body has another form than this address takes"),
    "invalid": (422, "The request is not valid"),
    "charge_unknown": (422, "The payment provider has no such charge"),
    "evidence_refused": (422, "The file is not taken"),
    "facts_contradict": (422, "The facts contradict each other"),
    "lines_do_not_sum": (422, "The lines do not sum to the charge"),
    "reference_unknown": (422, "The request names something that is not there"),
    "too_few_credits": (422, "The customer has too few credits"),
    "too_many_requests": (429, "The key asks too often"),
    "internal": (500, "Something went wrong on our side"),
    "database_unavailable": (503, "The desk cannot work just now"),
    "gateway_unavailable": (503, "The payment provider does not answer"),
}
"""Code, status and title of everything that can be refused; `docs/contract.md` lists them."""

_BY_STATUS = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    503: "database_unavailable",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request."""

    where: str
    why: str


def faults_of(errors: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """What pydantic found wrong, the first places of it.

    A place is the body's own path, without the name of the argument that took it.
    """
    return [
        Fault(_place(one["loc"]), str(one["msg"]).removeprefix("Value error, "))
        for one in errors[:FAULTS_MAX]
    ]


def _place(location: tuple[str | int, ...]) -> str:
    parts = location[2:] if location[:2] == ("body", "body") else location
    return ".".join(str(part) for part in parts) or "body"


class Problem(Exception):  # noqa: N818  # the standard's word
    """A refusal with its code."""

    def __init__(
        self, code: str, detail: str, *, faults: Sequence[Fault] = (), headers: dict[str, str] | None = None
    ) -> None:
        self.code = code
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = headers or {}
        self.members: dict[str, object] = {}
        super().__init__(detail)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.code][0]

    def response(self) -> HttpResponse:
        """The refusal as it is sent."""
        status, title = KINDS[self.code]
        body: dict[str, object] = {
            "type": f"urn:amends:problem:{self.code}",
            "code": self.code,
            "title": title,
            "status": status,
            "detail": self.detail,
        }
        if self.faults:
            body["errors"] = [{"where": fault.where, "why": fault.why} for fault in self.faults]
        return JsonResponse(
            body | self.members, status=status, content_type=CONTENT_TYPE, headers=self.headers
        )


def missing() -> Problem:
    """The one answer for what is not there and for what belongs to somebody else (invariant I21)."""
    return Problem("not_found", "Nothing has this id, or it belongs to somebody else.")


def without_database() -> Problem:
    """The database does not answer, or has no room."""
    return Problem(
        "database_unavailable",
        "The database does not answer, or has no room. "
        "Sending the same request again later is safe with an Idempotency-Key.",
        headers={"Retry-After": "60"},
    )


def invalid(faults: Sequence[Fault]) -> Problem:
    """Something in the request is not as it has to be; the words name the first place."""
    return Problem("invalid", f"`{faults[0].where}`: {faults[0].why}.", faults=faults)


def unknown_reference(where: str) -> Problem:
    """A body names something that is not there."""
    return Problem(
        "reference_unknown",
        f"`{where}` names nothing that is recorded. Record it first.",
        faults=[Fault(where, "not recorded")],
    )


def as_problem(answer: HttpResponse) -> HttpResponse:
    """An error of the framework in the same form as ours."""
    if answer.status_code < 400 or answer["Content-Type"].startswith(CONTENT_TYPE):  # noqa: PLR2004  # HTTP
        return answer
    code = _BY_STATUS.get(answer.status_code, "internal")
    if code == "database_unavailable":
        return without_database().response()
    details = {
        "malformed": "The request is not HTTP that this address understands.",
        "not_found": "No address of the API is written like this; the OpenAPI document lists them.",
        "method_not_allowed": f"This address takes {answer.get('Allow', 'other methods')}.",
        "too_large": "Send less at once.",
        "internal": "It was recorded. Sending the same request again is safe with an Idempotency-Key.",
    }
    allow = {"Allow": answer["Allow"]} if answer.has_header("Allow") else {}
    return Problem(code, details[code], headers=allow).response()
