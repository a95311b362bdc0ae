"""The programs of others that pages load are the ones that were published."""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "src" / "amends" / "desk" / "design" / "static" / "vendor"
ROW = re.compile(r"^\| (\S+\.js) \| (\S+) \| ([\d.]+) \| ([^|]+) \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_every_file_is_as_its_line_says_and_has_its_licence_beside_it() -> None:
    listed = ROW.findall((VENDOR / "README.md").read_text())
    kept = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*.js") if path.is_file()}

    assert {name for name, *_ in listed} == kept != set()
    for name, _package, _version, _licence, sha256 in listed:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha256, name
        assert (VENDOR / name).with_name("LICENSE").read_text().strip(), name
