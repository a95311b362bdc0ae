"""A campaign that is asked for something that there is not says so in a sentence, and begins nothing."""

import subprocess
import sys

import pytest

from conftest import ROOT


def call(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "bin" / "campaign"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["nothing"], "nothing is no campaign"),
        (["money", "nothing"], "nothing is none of answers, worlds"),
        (["money", "--worlds", "-3"], "-3 is no whole number from 1 on"),
        (["money", "--jobs", "0"], "0 is no whole number from 1 on"),
        (["gateway", "nothing"], "nothing is none of node, cli, mock"),
    ],
    ids=" ".join,
)
def test_a_wrong_word_gets_a_sentence(words: list[str], sentence: str) -> None:
    refused = call(*words)

    assert (refused.returncode > 0, refused.stdout) == (True, "")
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("words", [[], ["--help"], ["money", "--help"], ["gateway", "-h"]], ids=" ".join)
def test_help_says_how_to_call_it(words: list[str]) -> None:
    told = call(*words)

    assert (told.returncode, told.stdout.startswith("usage: bin/campaign"), told.stderr) == (0, True, "")
