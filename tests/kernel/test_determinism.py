"""The same cases give the same bytes, wherever and however the program is started."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builders import conversion_case, fault_case, refund_case
from conftest import ROOT

POLICY = ROOT / "policies" / "flux-kontext.md"
CASES: list[dict[str, object]] = [
    refund_case(),
    refund_case(generations=60, requested_at="2025-09-20T23:59:59-11:00"),
    refund_case(generations=None, reason_given=None),
    refund_case(dispute="open"),
    refund_case(paid="19.00"),
    conversion_case(),
    fault_case(),
    fault_case(requested_at="2025-09-12T10:00:00+14:00", generations=60),
]
PLACES = {
    "far east": {"TZ": "Pacific/Kiritimati"},
    "clocks that change": {"TZ": "America/New_York"},
    "german": {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"},
    "turkish": {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"},
    "no locale": {"LANG": "C", "LC_ALL": "C"},
    "hash seed 1": {"PYTHONHASHSEED": "1"},
    "hash seed 4242": {"PYTHONHASHSEED": "4242"},
}


def answers(command: str, folder: Path, environment: dict[str, str]) -> bytes:
    run = subprocess.run(
        [sys.executable, "-m", "amends", command, str(POLICY), "--json"],
        input="\n".join(map(json.dumps, CASES)).encode(),
        stdout=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "0", **environment},
        check=False,
    )
    assert run.returncode == 2, "one of the cases has a bad input"
    assert run.stdout.count(b"\n") == len(CASES)
    return run.stdout


@pytest.fixture(scope="module", params=["decide", "explain"])
def usual(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    return request.param, answers(request.param, ROOT, {})


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_zone_language_and_hash_seed_do_not_reach_an_answer(
    usual: tuple[str, bytes], place: dict[str, str]
) -> None:
    command, expected = usual

    assert answers(command, ROOT, place) == expected


def test_the_working_folder_does_not_reach_an_answer(usual: tuple[str, bytes], tmp_path: Path) -> None:
    command, expected = usual

    assert answers(command, tmp_path, {}) == expected
