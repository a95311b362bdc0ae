"""Refusals in Stripe's shape."""


class ApiError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, code: str, message: str, *, param: str = "", kind: str = "") -> None:
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind or ("invalid_request_error" if status < 500 else "api_error")  # noqa: PLR2004  # HTTP
        super().__init__(message)

    def body(self) -> dict[str, object]:
        """The JSON that is sent."""
        error: dict[str, object] = {"type": self.kind, "code": self.code, "message": self.message}
        if self.param:
            error["param"] = self.param
        return {"error": error}


def missing(kind: str, id_: str) -> ApiError:
    """Nothing has this id."""
    return ApiError(404, "resource_missing", f"No such {kind}: '{id_}'", param="id")
