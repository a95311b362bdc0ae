"""Write what the console blocks of pages print today; the difference is to be read before it is committed.

Run as `PYTHONPATH=src:tests .venv/bin/python -m repo.record_docs docs/tutorial.md`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from repo.test_docs_run import begin, examples_of, tell, transcript


def record(page: Path, folder: Path) -> None:
    lines = page.read_text().splitlines()
    telling = begin(folder)
    shift = 0
    for example in examples_of(page):
        if example.kind != "console":
            tell(example, telling)
            continue
        first = example.line + shift
        before = example.text.splitlines()
        after = transcript(example.text, folder).splitlines()
        lines[first : first + len(before)] = after
        shift += len(after) - len(before)
    page.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with TemporaryDirectory() as place:
            record(Path(name), Path(place))
