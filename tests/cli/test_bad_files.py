"""A file that cannot be read ends a command with words and an exit code, never with a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amends.cli import main

SHIPPED = str(Path(__file__).resolve().parents[2] / "policies" / "flux-kontext.md")
NO_TEXT = b"\xff\xfe\x00{"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def errors_of(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    result = run("decide", SHIPPED, path)
    assert result.exit_code == 2
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    return [answer["error"]["message"] if "error" in answer else "decided" for answer in answers]


@pytest.mark.parametrize("command", ["decide", "explain", "inputs", "page", "test", "replay"])
def test_a_policy_that_is_not_there_is_named(command: str, tmp_path: Path) -> None:
    missing, folder = run(command, tmp_path / "none.md"), run(command, tmp_path)

    assert (missing.exit_code, folder.exit_code) == (2, 2)
    assert "none.md" in missing.stderr
    assert "directory" in folder.stderr


@pytest.mark.parametrize("command", ["decide", "explain", "inputs", "page", "test", "replay"])
def test_a_policy_that_is_no_text_is_refused_with_a_place(command: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.md"
    policy.write_bytes(NO_TEXT)

    result = run(command, policy)

    assert result.exit_code == 1
    assert f"{policy}:1:1: not-text: The byte FF is no part of a text in UTF-8." in result.stderr


@pytest.mark.parametrize("command", ["decide", "explain", "replay"])
def test_cases_that_are_not_there_are_named(command: str, tmp_path: Path) -> None:
    missing, folder = run(command, SHIPPED, tmp_path / "none.json"), run(command, SHIPPED, tmp_path)

    assert (missing.exit_code, folder.exit_code) == (2, 2)
    assert "none.json" in missing.stderr
    assert "directory" in folder.stderr


@pytest.mark.parametrize(
    "content, message",
    [
        (NO_TEXT, "the file is no text in UTF-8. Save the file as UTF-8."),
        (b'"word"', "A case is a JSON object of inputs, but the file holds something else."),
        (b'{"id": 1e999}', "1e999 is too large a number."),
        (b'{"paid": NaN}', "NaN is no number of JSON."),
        (b'{"paid": %s}' % (b"9" * 5_000), "A number has more than 1,000 digits."),
        (b"[" * 100_000, "The JSON of the file is nested too deeply."),
        (
            b'{"id": "\\ud800"}',
            r"the file holds half a character: an escape \ud800 to \udfff without its other half.",
        ),
        (b'{"paid": 1, "paid": 2}', "`paid` stands twice in the case."),
    ],
)
def test_cases_that_are_no_json_say_why(content: bytes, message: str, tmp_path: Path) -> None:
    assert errors_of(tmp_path / "case.json", content) == [message]


def test_a_bad_line_leaves_the_others_decided(tmp_path: Path) -> None:
    lines = b'{"currency": "USD"}\n\xff\xfe{}\n[1]\n{"currency": "USD"}\n'

    assert errors_of(tmp_path / "cases.jsonl", lines) == [
        "decided",
        "line 2 is no text in UTF-8. Save the file as UTF-8.",
        "A case is a JSON object of inputs, but line 3 holds something else.",
        "decided",
    ]


def test_a_byte_order_mark_before_the_cases_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_bytes(b'\xef\xbb\xbf{"currency": "USD"}')

    assert run("decide", SHIPPED, path).exit_code == 0


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder, nowhere = (
        run("page", SHIPPED, "-o", tmp_path),
        run("page", SHIPPED, "-o", tmp_path / "no" / "page"),
    )

    assert (folder.exit_code, nowhere.exit_code) == (2, 1)
    assert "is a directory" in folder.stderr
    assert "No such file" in nowhere.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, NO_TEXT])
def test_worked_cases_that_cannot_be_read_are_named(content: bytes | None, tmp_path: Path) -> None:
    policy, beside = tmp_path / "policy.md", tmp_path / "policy.cases.md"
    policy.write_bytes(Path(SHIPPED).read_bytes())
    if content is not None:
        beside.write_bytes(content)

    result = run("test", policy)

    assert result.exit_code == 1
    assert str(beside) in result.stderr


def test_the_list_of_commands_needs_nothing_but_the_kernel() -> None:
    """A new checkout has the kernel's packages only, and `--help` is the first thing that anybody asks."""
    absent = ("django", "psycopg", "z3", "duckdb")
    hidden = f"import sys; sys.modules.update(dict.fromkeys({absent}))"
    code = f"{hidden}; from amends.cli import main; main(['--help'], 'amends')"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {name} " in done.stdout for name in ("check", "decide", "totp", "up"))
