"""Products, and what they cost."""

from amends.sandbox.errors import refused
from amends.sandbox.forms import nested
from amends.sandbox.parameters import (
    Parameters,
    clearable,
    currency,
    flag,
    group,
    metadata,
    not_negative,
    one_of,
    positive,
    several,
    text,
)
from amends.sandbox.store import Object
from amends.sandbox.world import World, with_metadata

_PRODUCT = {
    "active": flag,
    "description": clearable(text),
    "metadata": metadata,
    "tax_code": clearable(text),
}
PRODUCT = Parameters({"name": text}, {"id": text, **_PRODUCT})
PRODUCT_CHANGE = Parameters(free={"name": text, **_PRODUCT})
_RECURRING = Parameters(
    {"interval": one_of("day", "week", "month", "year")}, {"interval_count": positive, "usage_type": text}
)
_PRICE = {
    "active": flag,
    "lookup_key": clearable(text),
    "metadata": metadata,
    "nickname": clearable(text),
    "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
}
PRICE = Parameters(
    {"currency": currency},
    {
        **_PRICE,
        "product": text,
        "product_data": group(PRODUCT),
        "recurring": group(_RECURRING),
        "unit_amount": not_negative,
    },
)
PRICE_CHANGE = Parameters(free=_PRICE)
PRICES_OF = {
    "active": flag,
    "currency": currency,
    "lookup_keys": several(text),
    "product": text,
    "type": one_of("one_time", "recurring"),
}


class Catalogue:
    """The part of the API that knows what is sold."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create_product(self, sent: Object) -> Object:
        """A product, under an id of its own where one is sent."""
        id_ = sent.get("id")
        if id_ and self.world.store.find(str(id_)):
            raise refused("resource_already_exists", "Product already exists.", "id")
        content: Object = {"active": True, "description": None, "tax_code": None, "type": "service"}
        made = self.world.make("prod", "product", content | sent | {"metadata": sent.get("metadata") or {}})
        self.world.events.emit("product.created", made)
        return made

    def update_product(self, product: Object, sent: Object) -> Object:
        """Change a product."""
        return self._update(product, sent, "product.updated")

    def delete_product(self, product: Object, _: Object) -> Object:
        """Forget a product that has no price."""
        if self.world.store.all("price", lambda one: one["product"] == product["id"]):
            message = "This product cannot be deleted because it has one or more user-created prices."
            raise refused("resource_has_dependents", message, "id")
        self.world.events.emit("product.deleted", product)
        self.world.store.remove(str(product["id"]))
        return {"id": product["id"], "object": "product", "deleted": True}

    def create_price(self, sent: Object) -> Object:
        """A price of a product, once or for each period."""
        fresh = sent.pop("product_data", None)
        if isinstance(fresh, dict):
            sent["product"] = self.create_product(fresh)["id"]
        if "product" not in sent:
            raise refused("parameter_missing", "Missing required param: product.", "product")
        self.world.get("product", sent["product"], "product")
        if "unit_amount" not in sent:
            raise refused("parameter_missing", "Missing required param: unit_amount.", "unit_amount")
        recurring = nested(sent, "recurring")
        content: Object = {
            "active": True,
            "billing_scheme": "per_unit",
            "lookup_key": None,
            "nickname": None,
            "recurring": {"interval_count": 1, "usage_type": "licensed"} | recurring if recurring else None,
            "tax_behavior": "unspecified",
            "type": "recurring" if recurring else "one_time",
            "unit_amount_decimal": str(sent["unit_amount"]),
        }
        sent.pop("recurring", None)
        made = self.world.make("price", "price", content | sent | {"metadata": sent.get("metadata") or {}})
        self.world.events.emit("price.created", made)
        return made

    def update_price(self, price: Object, sent: Object) -> Object:
        """Change a price; what it costs never changes."""
        return self._update(price, sent, "price.updated")

    def _update(self, item: Object, sent: Object, kind: str) -> Object:
        sent["metadata"] = with_metadata(item["metadata"], sent.get("metadata"))
        item.update(sent)
        return self.world.change(item, kind)
