"""Refusals in Stripe's shape."""

DOCUMENTS = "https://stripe.com/docs/error-codes"
CHECKED_FIRST = (
    "parameter_",
    "resource_missing",
    "url_invalid",
    "idempotency_",
    "rate_limit",
    "lock_timeout",
)
"""Codes of refusals that come before anything is carried out: an idempotency key does not remember them."""


class ApiError(Exception):
    """An answer that is not 2xx."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str = "",
        kind: str = "",
        more: dict[str, object] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind or ("invalid_request_error" if status < 500 else "api_error")  # noqa: PLR2004  # HTTP
        self.more = more or {}
        super().__init__(message)

    @property
    def is_remembered(self) -> bool:
        """Whether an idempotency key answers it again: it was carried out as far as the refusal."""
        return (
            self.status not in (401, 409, 429) and not self.code.startswith(CHECKED_FIRST) and self.code != ""
        )

    def body(self) -> dict[str, object]:
        """The JSON that is sent."""
        error: dict[str, object] = {"type": self.kind, "message": self.message}
        if self.code:
            page = f"{DOCUMENTS}/{self.code.replace('_', '-')}"
            error |= {"code": self.code, "doc_url": page}
        if self.param:
            error["param"] = self.param
        return {"error": error | self.more}


def missing(kind: str, id_: str, param: str = "id") -> ApiError:
    """Nothing has this id."""
    return ApiError(404, "resource_missing", f"No such {kind}: '{id_}'", param=param)


def refused(code: str, message: str, param: str = "") -> ApiError:
    """It was understood, and it cannot be done."""
    return ApiError(400, code, message, param=param)
