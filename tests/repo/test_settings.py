"""Every variable that the desk reads is explained, and nothing else is."""

import re

from conftest import ROOT

READS = re.compile(r"""(?:environ(?:ment)?\.get\(\s*|_demand\(\s*|_whole\(|_keys\()["']([A-Z_]+)["']""")


def test_every_variable_stands_in_the_settings_and_every_one_there_is_read() -> None:
    sources = [ROOT / "src/amends/desk/settings.py", *(ROOT / "src/amends/cli").glob("*.py")]
    read = {name for path in sources for name in READS.findall(path.read_text())}
    explained = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)

    assert len(explained) == len(set(explained))
    assert read == set(explained)
