"""Proof that a stored decision is what the policy says: the same bytes, computed again."""

from collections.abc import Mapping, Sequence

from amends.policy.answer import canonical_json
from amends.policy.errors import InputError
from amends.policy.model import Policy
from amends.policy.versions import best_of, decide_each

_ENVELOPE = ("id", "core_sha256", "facts", "waive", "grant_by", "explanation")


def replay(policies: Sequence[Policy], stored: Mapping[str, object]) -> str | None:
    """Decide a stored decision again from its facts; None if every byte of the core agrees, else what differs.

    `policies` are the versions that were asked, one or more.
    Raises: InputError: the record has no facts, or the facts are bad.
    """
    facts = stored.get("facts")
    if not isinstance(facts, dict):
        raise InputError("no_facts", None, "The stored decision has no `facts` to decide from.")
    waive, grant = stored.get("waive", []), stored.get("grant_by")
    if not isinstance(waive, list) or not (grant is None or isinstance(grant, str)):
        raise InputError("bad_waiver", None, "`waive` is a list of clauses and `grant_by` a clause.")
    core = {key: value for key, value in stored.items() if key not in _ENVELOPE}
    again = best_of(decide_each(policies, facts, waive=waive, grant=grant))
    if canonical_json(core) == again.canonical() and stored.get("core_sha256") == again.core_sha256:
        return None
    fresh = again.core()
    different = [key for key in sorted({*core, *fresh}) if core.get(key) != fresh.get(key)]
    return ", ".join(different) or "core_sha256"
