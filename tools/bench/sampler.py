# SPDX-License-Identifier: Apache-2.0
"""Series of samples that the program `sample` takes (sample.c)."""

import json
import subprocess
import tempfile


class Failure(Exception):
    """A sample that is none, with the reason."""


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"


def once(sample_program, command, seconds=120, needs_output=True, env=None):
    """Runs COMMAND; its times in ns as a dictionary. Raises Failure."""
    with tempfile.TemporaryFile("w+", errors="replace") as messages:
        run = subprocess.run([sample_program, str(seconds), *command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=messages, text=True, env=env)
        messages.seek(0)
        said = last_line(messages.read())
    if run.returncode != 0:
        raise Failure(said)
    times = json.loads(run.stdout)
    if times["status"] == -1:
        raise Failure(f"no end after {seconds} s; it said: {said}")
    if times["status"] != 0:
        raise Failure(f"exit status {times['status']}: {said}")
    if needs_output and not times["first"]:
        raise Failure(f"no output: {said}")
    if needs_output and times["output"] != ord("+"):
        raise Failure(f"its output begins with {chr(times['output'])!r}, which is not the probe's: {said}")
    return times


def series(run_once, runs, warmup):
    """Calls run_once() WARMUP times for nothing, then RUNS times. Its results, and the failures."""
    good, failures = [], []
    for i in range(warmup + runs):
        try:
            result = run_once()
        except Failure as failure:
            failures.append(str(failure))
        else:
            if i >= warmup:
                good.append(result)
    return good, failures


def milliseconds(times, until):
    """From the fork to one of the later times."""
    return (times[until] - times["spawned"]) / 1e6
