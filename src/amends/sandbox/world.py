"""What all parts of the sandbox share: its objects, its clock, its events and its settings."""

from dataclasses import dataclass

from amends.sandbox.clock import Clock
from amends.sandbox.errors import missing
from amends.sandbox.events import Events
from amends.sandbox.store import Object, Store, fresh_id

API_VERSION = "2026-10-28.endive"
_SETTINGS = "acct_sandbox"
_DEFAULTS: Object = {
    "id": _SETTINGS,
    "object": "account",
    "balance": "unlimited",
    "exchange_rate": "1",
    "fee_fixed": 30,
    "fee_rate": "0.029",
    "list_lag_seconds": 0,
    "livemode": False,
    "requests_per_second": 0,
    "settlement_currency": "",
    "_invoices": 0,
}


@dataclass(slots=True)
class World:
    """One gateway account, from the inside."""

    store: Store
    clock: Clock
    events: Events

    def make(self, prefix: str, kind: str, content: Object, *, created: int | None = None) -> Object:
        """A fresh object, stored."""
        return self.store.add(
            {
                "id": fresh_id(prefix),
                "object": kind,
                "created": self.clock.now() if created is None else created,
                "livemode": self.settings()["livemode"],
                **content,
            }
        )

    def get(self, kind: str, id_: object, param: str = "id") -> Object:
        """The object with an id.

        Raises: ApiError: there is none of that kind.
        """
        found = self.store.find(str(id_))
        if found is None or found["object"] != kind:
            raise missing(kind, str(id_), param)
        return found

    def change(self, item: Object, kind: str = "") -> Object:
        """Store what changed, and tell it where it is an event."""
        self.store.save(item)
        if kind:
            self.events.emit(kind, item)
        return item

    def settings(self) -> Object:
        """How this account behaves."""
        return _DEFAULTS | (self.store.find(_SETTINGS) or {})

    def set(self, changes: Object) -> Object:
        """Change how this account behaves, from here on and after a restart."""
        changed = self.settings() | changes
        if self.store.find(_SETTINGS) is None:
            return self.store.add(changed)
        return self.store.save(changed)


def with_metadata(known: object, sent: object) -> Object:
    """Metadata after a change: what is sent replaces its keys, an empty value takes its key away."""
    if sent == "" or not isinstance(sent, dict):
        return {} if sent == "" else dict(known) if isinstance(known, dict) else {}
    merged = (known if isinstance(known, dict) else {}) | sent
    return {key: value for key, value in merged.items() if value != ""}
