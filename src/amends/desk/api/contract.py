"""The API as a whole: its addresses, its document, and the form of its refusals."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from pydantic import BaseModel

from amends.desk.api import cases, customers, endpoints, orders, plans, policy, usage
from amends.desk.api.problems import CONTENT_TYPE, Fault, Problem, faults_of, invalid, missing
from amends.desk.api.schemas import ProblemOut
from amends.desk.api.usage import EventIn

NAME_LENGTH_MAX = 100
_IN_THE_BODY = frozenset({"body", "file", "response"})
"""What views call the arguments that are neither in the path nor in the query."""


class Contract(NinjaAPI):
    """Describes refusals as what they are: problem details, at every address."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The OpenAPI 3.1 document."""
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        document["components"]["schemas"] |= _components("Problem", ProblemOut) | _components(
            "Event", EventIn
        )
        refusal = {
            "description": "Refused",
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["responses"]["default"] = refusal
        return document


def _components(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """A schema and those that it refers to, each under a name that the whole document knows."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), name: schema}


def demand_known_parameters(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse parameters that an address does not take: a misspelt filter would list everything."""

    @wraps(answer)
    def answer_known(request: HttpRequest, **values: object) -> object:
        assert request.resolver_match is not None
        known = values.keys() - request.resolver_match.kwargs.keys() - _IN_THE_BODY
        unknown = sorted(request.GET.keys() - known)
        if unknown:
            name = unknown[0][:NAME_LENGTH_MAX]
            why = f"this address takes no such parameter; it takes {', '.join(sorted(known)) or 'none'}"
            raise invalid([Fault(name, why)])
        return answer(request, **values)

    return answer_known


api = Contract(
    title="amends",
    version="1",
    description="A refund desk: what was sold and used goes in, decisions come out. No address takes an amount to refund.",
    docs_url=None,
    urls_namespace="api",
)
api.add_decorator(demand_known_parameters)
for room in (customers, plans, orders, usage, cases, policy, endpoints):
    api.add_router("", room.router)


@api.exception_handler(Problem)
def refuse(request: HttpRequest, problem: Problem) -> HttpResponse:  # noqa: ARG001  # ninja's
    """A refusal of ours."""
    return problem.response()


@api.exception_handler(ValidationError)
def refuse_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001  # ninja's
    """A body or a parameter that does not fit its type; an id that cannot be one is an id that is not there."""
    if any(one["loc"][0] == "path" for one in error.errors):
        return missing().response()
    return invalid(faults_of(error.errors)).response()


@api.exception_handler(HttpError)
def refuse_unread(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001  # ninja's
    """A body that is no JSON."""
    return Problem("malformed", f"{error.message}. Send JSON in UTF-8.").response()


@api.exception_handler(Http404)
def refuse_missing(request: HttpRequest, error: Http404) -> HttpResponse:  # noqa: ARG001  # ninja's
    """The address is none of the API's."""
    return missing().response()
