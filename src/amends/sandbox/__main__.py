"""Run the sandbox: `python -m amends.sandbox PORT`; where things are kept comes from the environment."""

import os
import sys
from pathlib import Path

from amends.sandbox.clock import Clock
from amends.sandbox.server import Sandbox


def main() -> None:
    """Serve until the process is ended."""
    state = Path(os.environ.get("AMENDS_STATE", "var"))
    state.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(
        int(sys.argv[1]),
        state=state / "sandbox.sqlite",
        clock=Clock(state / "clock"),
        webhook_url=os.environ.get("SANDBOX_WEBHOOK_URL", ""),
        webhook_secret=os.environ.get("STRIPE_WEBHOOK_SECRET", ""),
    )
    sandbox.serve_forever()


if __name__ == "__main__":
    main()
