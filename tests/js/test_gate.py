"""What gate.js does with the messages of a data channel, under Node and without a browser."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pyodide_rtc

BROWSER = Path(pyodide_rtc.__file__).parent / "browser"

HARNESS = """
const { readFileSync } = require("node:fs");
const { runInThisContext } = require("node:vm");
const script = (name) => runInThisContext(readFileSync(`${process.argv[1]}/${name}`, "utf8"));
const gates = script("gate.js");
const channel = {};
const told = [];
const bytes = (size, value) => new Uint8Array(size).fill(value).buffer;
const hear = (...messages) => messages.forEach((data) => channel.onmessage({ data }));
const summary = (whole, sizes) => [sizes ?? [whole.length], whole.length < 99 ? [...whole] : []];
const deliver = (...bundle) => told.push(summary(...bundle));
const later = () => new Promise((resolve) => setTimeout(resolve, 50));
const tell = (value) => console.log(JSON.stringify(value));
"""


def run(scenario: str) -> Any:
    """Run a scenario, and give what it tells; it has to end by itself."""
    source = f"{HARNESS}(async () => {{{scenario}}})();"
    command = ["node", "--eval", source, str(BROWSER)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_burst_goes_as_one_bundle_in_its_order() -> None:
    told = run("""
        const gate = gates.makeGate(channel, deliver);
        hear(bytes(1, 1), "é!", bytes(0, 0), bytes(2, 3));
        const atOnce = told.length;
        await later();
        hear(bytes(1, 7), bytes(1, 8));
        await later();
        gate.stop();
        tell([atOnce, ...told]);
    """)
    first = [[1, 3, 0, 2], [1, *"é!".encode(), 3, 3]]
    assert told == [0, first, [[1, 1], [7, 8]]], "not within the task of the first one"


def test_what_comes_alone_goes_without_sizes() -> None:
    told = run("""
        const gate = gates.makeGate(channel, (...bundle) => told.push(bundle.length));
        hear(bytes(3, 1));
        await later();
        hear("text");
        await later();
        gate.stop();
        tell(told);
    """)
    assert told == [1, 1]


def test_a_large_message_goes_at_once_behind_those_before_it_and_is_not_copied() -> None:
    told = run("""
        const large = bytes(16384, 3);
        const isCopied = [];
        const gate = gates.makeGate(channel, (...bundle) => {
            deliver(...bundle);
            if (bundle[0].length === 16384) isCopied.push(bundle[0].buffer !== large);
        });
        hear(bytes(1, 1), bytes(1, 2), large);
        const atOnce = told.length;
        hear(bytes(1, 4));
        await later();
        gate.stop();
        tell([atOnce, isCopied, ...told]);
    """)
    assert told == [2, [False], [[1, 1], [1, 2]], [[16384], []], [[1], [4]]]


def test_a_bundle_has_a_limit() -> None:
    told = run("""
        const gate = gates.makeGate(channel, deliver);
        for (let i = 0; i < 300; i++) hear(bytes(10_000, i));
        await later();
        gate.stop();
        tell(told.map(([sizes]) => sizes.length));
    """)
    assert told == [105, 105, 90], "1 MiB and what exceeds it"


def test_what_is_flushed_goes_at_once_and_only_once() -> None:
    told = run("""
        const gate = gates.makeGate(channel, deliver);
        hear(bytes(1, 1), bytes(1, 2));
        gate.flush();
        gate.flush();
        const atOnce = told.length;
        await later();
        gate.stop();
        tell([atOnce, ...told]);
    """)
    assert told == [1, [[1, 1], [1, 2]]]


def test_a_delivery_that_fails_is_not_repeated() -> None:
    told = run("""
        const gate = gates.makeGate(channel, (...bundle) => {
            deliver(...bundle);
            throw new Error("of Python");
        });
        hear(bytes(1, 1));
        try {
            gate.flush();
        } catch ({ message }) {
            told.push(message);
        }
        gate.flush();
        gate.stop();
        tell(told);
    """)
    assert told == [[[1], [1]], "of Python"]


def test_who_stops_hears_nothing_more() -> None:
    told = run("""
        const gate = gates.makeGate(channel, deliver);
        hear(bytes(1, 1));
        gate.stop();
        gate.flush();
        await later();
        tell([channel.onmessage, ...told]);
    """)
    assert told == [None]


def test_the_end_of_a_channel_is_told_behind_its_last_messages() -> None:
    told = run("""
        const silence = script("thread.js")(gates).hearChannel(channel, 1, (event, whole, sizes) =>
            told.push([event, ...(whole ? summary(whole, sizes) : [])]));
        channel.onopen();
        hear(bytes(1, 1), bytes(1, 2));
        channel.onclose();
        await later();
        silence();
        tell(told);
    """)
    assert told == [["open"], ["message", [1, 1], [1, 2]], ["close"]]
