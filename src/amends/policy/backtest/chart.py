"""A back-test as a picture: what is paid back for each month of purchase, before and after."""

from html import escape

from amends.policy.backtest.plan import Report
from amends.policy.backtest.summary import money_of
from amends.policy.facts import NONE
from amends.policy.money import Money

LEVEL_MAX = 12
"""More months than this have their names turned."""
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 960, 380, 110, 56, 56
MONTHS_MAX = 36
STYLE = """
text{font:13px system-ui,sans-serif;fill:#222}.quiet{fill:#595959}.before{fill:#8a8f98}.after{fill:#1f6feb}
.axis{stroke:#b5bac2}
@media (prefers-color-scheme:dark){rect.page{fill:#15181c}text{fill:#e8e8e8}.quiet{fill:#a9b0b8}
.before{fill:#7d858f}.after{fill:#6ea8fe}.axis{stroke:#4b525b}}
"""


def draw(report: Report) -> str:
    """The last months of the currency with most rows, as one SVG document."""
    months = money_of(report, lambda group: group.month)
    rows: dict[str, int] = {}
    for (code, _), sums in months.items():
        if code != NONE:
            rows[code] = rows.get(code, 0) + sums[0]
    currency = max(rows, key=lambda name: (rows[name], name), default="")
    bars = [
        (month or "unknown", sums[1], sums[2]) for (code, month), sums in months.items() if code == currency
    ]
    bars = bars[-MONTHS_MAX:]
    top = max([1, *(max(before, after) for _, before, after in bars)])
    title = f"{report.before.title}: paid back by month of purchase, {currency}"
    body = [
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="16" y="24" font-weight="600">{escape(title)}</text>',
        _key(16, "before", report.before.version),
        _key(240, "after", report.after.version),
        *_axis(top, currency),
    ]
    for number, bar in enumerate(bars):
        body += _bars(number, len(bars), bar, top)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    return f"{head}<title>{escape(title)}</title><style>{STYLE}</style>{''.join(body)}</svg>\n"


def _key(x: int, name: str, version: str) -> str:
    label = f'<text x="{x + 18}" y="45">{name}: {escape(version)}</text>'
    return f'<rect class="{name}" x="{x}" y="35" width="12" height="12"/>{label}'


def _axis(top: int, currency: str) -> list[str]:
    base = HEIGHT - BOTTOM
    lines = [f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{WIDTH - 16}" y2="{base}"/>']
    if currency:
        for y, amount in ((base, 0), (TOP + 14, top)):
            shown = escape(str(Money(amount, currency)).removeprefix(f"{currency} "))
            lines.append(f'<text class="quiet" x="{LEFT - 8}" y="{y}" text-anchor="end">{shown}</text>')
    return lines


def _bars(number: int, count: int, bar: tuple[str, int, int], top: int) -> list[str]:
    month, *amounts = bar
    room = (WIDTH - LEFT - 16) // count
    width = max(2, min(28, room * 2 // 5))
    middle = LEFT + room * number + room // 2
    span = HEIGHT - BOTTOM - TOP - 14
    drawn = []
    for name, amount, x in zip(("before", "after"), amounts, (middle - width, middle), strict=True):
        height = span * amount // top
        drawn.append(
            f'<rect class="{name}" x="{x}" y="{HEIGHT - BOTTOM - height}" width="{width}" height="{height}"/>'
        )
    y = HEIGHT - BOTTOM + 16
    turn = (
        f' transform="rotate(40 {middle} {y})" text-anchor="start"'
        if count > LEVEL_MAX
        else ' text-anchor="middle"'
    )
    return [*drawn, f'<text class="quiet" x="{middle}" y="{y}"{turn}>{escape(month)}</text>']
