"""The short form of a full disk, with real processes."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT

TRIAL = """
import sys
from database_faults import full_disk
from stage import OWN_SOURCE
with full_disk() as (_, trial):
    wrong = trial(OWN_SOURCE)
sys.exit("; ".join(wrong) or None)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_full_disk_loses_and_doubles_no_refund_and_the_worker_goes_on() -> None:
    path = os.pathsep.join([str(ROOT / "campaigns"), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, "-c", TRIAL],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
