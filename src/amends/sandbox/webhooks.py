"""Webhook endpoints: who wants to hear of which events."""

from amends.sandbox.parameters import Parameters, clearable, flag, metadata, several, text
from amends.sandbox.store import Object, fresh_id
from amends.sandbox.world import World, with_metadata

_ENDPOINT = {"description": clearable(text), "metadata": metadata}
ENDPOINT = Parameters({"enabled_events": several(text), "url": text}, {**_ENDPOINT, "api_version": text})
CHANGE = Parameters(free={**_ENDPOINT, "disabled": flag, "enabled_events": several(text), "url": text})


class Webhooks:
    """The part of the API that knows whom to tell."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create(self, sent: Object) -> Object:
        """An endpoint; its secret is told this once."""
        secret = f"whsec_{fresh_id('').removeprefix('_')}"
        content: Object = {"api_version": None, "application": None, "description": None, "status": "enabled"}
        sent |= {"metadata": sent.get("metadata") or {}, "_secret": secret}
        return self.world.make("we", "webhook_endpoint", content | sent) | {"secret": secret}

    def update(self, endpoint: Object, sent: Object) -> Object:
        """Other events, another address, or no more."""
        if "disabled" in sent:
            endpoint["status"] = "disabled" if sent.pop("disabled") else "enabled"
        sent["metadata"] = with_metadata(endpoint["metadata"], sent.get("metadata"))
        endpoint.update(sent)
        return self.world.change(endpoint)

    def delete(self, endpoint: Object) -> Object:
        """Tell it nothing more."""
        self.world.store.remove(str(endpoint["id"]))
        return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
