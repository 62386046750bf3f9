"""What the API says of itself is so: Schemathesis asks a running server by its own document."""

from __future__ import annotations

import pytest

from tests.rigs import schemathesis
from tests.rigs.api_client import ApiClient


@pytest.mark.timeout(schemathesis.DEADLINE_SECONDS)
def test_schemathesis_finds_no_fault(api: ApiClient) -> None:
    examples = str(schemathesis.EXAMPLES)
    done = schemathesis.run(api.address, api.token, "--max-examples", examples, "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
