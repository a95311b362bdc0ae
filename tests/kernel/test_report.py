"""What each rule makes of a case: its truth, the conditions that settle it, and what they read."""

from amends.policy.facts import read_facts
from amends.policy.model import Policy
from amends.policy.report import RuleReport, report_facts, report_rules
from builders import fault_case, refund_case


def reports(policy: Policy, case: dict[str, object]) -> dict[str, RuleReport]:
    facts = read_facts(policy.inputs, policy.currencies, case)
    return {report.clause: report for report in report_rules(policy, facts)}


def test_what_holds_is_reported_with_all_its_conditions(shipped: Policy) -> None:
    full = reports(shipped, refund_case())["full"]

    assert (full.held, [condition.held for condition in full.conditions]) == (True, [True] * 4)
    assert full.text == shipped.clauses["full"].text


def test_what_is_false_is_reported_with_what_makes_it_false(shipped: Policy) -> None:
    full = reports(shipped, refund_case(requested_at="2025-09-10T10:00:00Z", generations=None))["full"]

    assert full.held is False
    assert [(one.words, one.read) for one in full.conditions] == [
        ("age is at most 7 days", (("age", "9 days"),))
    ]


def test_what_is_unknown_names_the_inputs_that_would_settle_it(shipped: Policy) -> None:
    fault = reports(shipped, fault_case(prevents_use=None, continuous=None))["fault"]

    assert fault.held is None
    assert [one.unknown for one in fault.conditions] == [("prevents_use",), ("continuous",)]


def test_facts_are_shown_with_who_answers_them(shipped: Policy) -> None:
    facts = read_facts(shipped.inputs, shipped.currencies, refund_case(generations=None))

    shown = {fact.name: (fact.shown, fact.answered_by) for fact in report_facts(shipped, facts)}

    assert shown["fee"] == ("$0.85", "desk")
    assert shown["generations"] == ("unknown", "desk")
    assert shown["requested_at"][0].startswith("2025-09-")
