"""From Markdown text to the model: the only room that knows the syntax of the language."""

from pathlib import Path

from amends.policy.model import Policy
from amends.policy.reader.reading import parse_policy

__all__ = ["parse_policy", "read_policy"]


def read_policy(path: str | Path) -> Policy:
    """Read a policy file.

    Raises: OSError: the file cannot be opened. PolicyError: it does not read, with every problem found.
    """
    return parse_policy(Path(path).read_bytes(), str(path))
