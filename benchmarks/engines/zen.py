"""zen-engine: a decision model of expressions and one first-hit table."""

import json
from itertools import pairwise

from zen import ZenEngine

from engines import NUMBERS, Engine, with_numbers

LEFT = "paid - refunded - fee"
BROKEN = "round((paid - fee) * broken_days / period_days)"

# identified, request, product, other condition; outcome, grant, amount
ROWS = (
    ("false", "", "", "", "needs_information", "", "0"),
    ("", '"billing_error"', "", "", "needs_review", "", "0"),
    ("", "", "", 'dispute == "open"', "needs_review", "", "0"),
    ("", "", '"credits"', "", "denied", "", "0"),
    ("", '"convert"', "", 'interval != "year" or not accidental', "denied", "", "0"),
    ("", '"convert"', "", "converted_before", "needs_review", "", "0"),
    ("", '"convert"', "", "rest > 0", "granted", "convert_to_monthly", "rest"),
    ("", '"convert"', "", "", "denied", "", "0"),
    ("", '"refund"', "", "early and not reason_given", "needs_information", "", "0"),
    ("", "", "", "early", "granted", "refund", "max([0, left])"),
    ("", '"refund"', "", "", "denied", "", "0"),
    ("", "", "", "not (prevents_use and continuous) or days_open <= fix_time", "denied", "", "0"),
    ("", "", "", "not evidence", "needs_information", "", "0"),
    ("", "", "", "", "granted", "partial_refund", "max([0, min([broken, left])])"),
)


def engine() -> Engine:
    decision = ZenEngine().create_decision(json.dumps(_model()))
    return Engine(
        name="zen-engine",
        says="outcome, grant, amount",
        prepare=lambda facts: with_numbers(facts) | NUMBERS,
        decide=decision.evaluate,
        read=_read,
    )


def _read(found):
    result = found["result"]
    return result["outcome"], result["grant"] or None, int(result["amount"])


def _model():
    expressions = {
        "left": LEFT,
        "rest": f"{LEFT} - monthly_price * months",
        "early": "age <= window and generations <= free_use",
        "broken": BROKEN,
    }
    shown = [{"id": key, "key": key, "value": value} for key, value in expressions.items()]
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "content": {}},
        {
            "id": "numbers",
            "name": "numbers",
            "type": "expressionNode",
            "content": {"expressions": shown, "passThrough": True},
        },
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": _table()},
        {"id": "out", "name": "out", "type": "outputNode", "content": {}},
    ]
    names = ("in", "numbers", "table", "out")
    edges = [
        {"id": f"{source}-{target}", "sourceId": source, "targetId": target, "type": "edge"}
        for source, target in pairwise(names)
    ]
    return {"nodes": nodes, "edges": edges}


def _table():
    inputs = [{"id": name, "name": name, "field": name} for name in ("identified", "request", "product")]
    inputs.append({"id": "other", "name": "other"})
    outputs = [{"id": f"to_{name}", "name": name, "field": name} for name in ("outcome", "grant", "amount")]
    columns = [column["id"] for column in inputs + outputs]
    rules = [
        {
            "_id": str(number),
            **dict(zip(columns, (*row[:4], f'"{row[4]}"', f'"{row[5]}"', row[6]), strict=True)),
        }
        for number, row in enumerate(ROWS)
    ]
    return {"hitPolicy": "first", "inputs": inputs, "outputs": outputs, "rules": rules}
