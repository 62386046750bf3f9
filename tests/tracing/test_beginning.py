from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.tracing.beginning import wanted
from tasks.tracing.trace_parent import TraceParent, read_trace_parent
from tests.rigs.embedded import PROJECT

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    "environ",
    [ENDPOINT, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, {"OTEL_TRACES_EXPORTER": "otlp"}],
)
def test_traces_are_made_where_the_standard_variables_ask_for_them(environ: dict[str, str]) -> None:
    assert wanted(environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x"},
    ],
)
def test_traces_are_made_nowhere_else(environ: dict[str, str]) -> None:
    assert not wanted(environ)


def run(program: str, **environ: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environ, check=True, capture_output=True, text=True,
        timeout=60,
    ).stdout  # fmt: skip


#: The client of Redis imports parts of the SDK by itself, where that is installed.
IMPORTED = "print({'opentelemetry.exporter', 'tasks.tracing.otel_tracer'} & set(sys.modules) != set())"


def test_where_nobody_asks_nothing_is_imported() -> None:
    begin = "import sys, tasks.publisher\nfrom tasks.tracing.beginning import begin\nbegin('x')\n"
    assert run(begin + IMPORTED) == "False\n"
    assert run(begin + IMPORTED, **ENDPOINT) == "True\n"


def test_a_collector_that_says_nothing_keeps_no_command_from_its_end() -> None:
    program = (
        "import atexit, time, sys\n"
        "from tasks import tracing\nfrom tasks.tracing.beginning import begin\n"
        "atexit.register(lambda: print(time.monotonic() - began < 8))\n"
        "begin('notify-cli')\n"
        "with tracing.span('a'):\n    pass\n"
        "began = time.monotonic()\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert run(program, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) == "True\n"


def test_where_the_extra_is_missing_the_log_says_so_once_and_all_goes_on() -> None:
    program = (
        "import sys, logging\nlogging.basicConfig(stream=sys.stdout)\n"
        "sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None\n"
        "from tasks import tracing\nfrom tasks.tracing.beginning import begin\n"
        "begin('x')\nbegin('x')\n"
        "with tracing.span('a') as span, tracing.step('b'):\n"
        "    print(repr(span.carrier + tracing.carrier()))\n"
    )
    said = run(program, **ENDPOINT).splitlines()
    assert [line.rpartition(":")[2] for line in said] == [
        "tracing_not_installed cure=\"pip install 'notify-worker[tracing]'\"",
        "''",
    ]


@pytest.mark.parametrize(
    "wrong", [{"OTEL_BSP_MAX_QUEUE_SIZE": "0"}, {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"}]
)
def test_a_variable_that_the_sdk_cannot_use_costs_traces_and_nothing_else(wrong: dict[str, str]) -> None:
    program = (
        "import sys, logging\nlogging.basicConfig(stream=sys.stdout)\n"
        "from tasks import tracing\nfrom tasks.tracing.beginning import begin\n"
        "begin('x')\nbegin('x')\n"
        "with tracing.span('a') as span, tracing.step('b'):\n"
        "    print(repr(span.carrier + tracing.carrier()))\n"
    )
    said = run(program, **ENDPOINT, **wrong).splitlines()
    ours = [line for line in said if line.startswith("ERROR:tasks.")]
    assert [line.partition("tracing_not_begun ")[2] for line in ours] == [
        'error=ValueError cure="look at the variables OTEL_*"'
    ]
    assert said[-1] == "''"


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        7,
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n",
        "secret@example.com",
    ],
)
def test_what_is_no_trace_parent_is_none(text: object) -> None:
    assert read_trace_parent(text) is None


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 255))
def test_a_trace_parent_is_read_as_it_was_written(trace: int, span: int, flags: int) -> None:
    assert read_trace_parent(str(TraceParent(trace, span, flags))) == TraceParent(trace, span, flags)
