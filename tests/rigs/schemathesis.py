"""Schemathesis as a command: it reads what the API says of itself, and asks for what nobody thought of.

By hand and for longer, against any running console:
`python -m tests.rigs.schemathesis ADDRESS TOKEN_FILE --max-examples 500`
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: The run is bounded by examples and not by time, so a busy machine finds the same.
EXAMPLES = 8
DEADLINE_SECONDS = 900


def run(api_address: str, token: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Every check against every operation; exit code 0 where none fails.

    Args:
        api_address: With its path: `http://127.0.0.1:8090/api/v1`.
        token: What it asks with.
        options: More for `schemathesis run`.
    """
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--no-color",
        *("--config-file", str(Path(__file__).with_suffix(".toml"))),
        *("run", f"{api_address}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", "all"),
        *("--generation-database", "none"),
        *("--request-timeout", "60"),
        "--continue-on-failure",
        *options,
    ]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_SECONDS)


def main() -> int:
    """Run it and print what it found."""
    address, token_file, *options = sys.argv[1:]
    done = run(
        f"{address.rstrip('/')}/api/v1", Path(token_file).read_text(encoding="utf-8").strip(), *options
    )
    print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
