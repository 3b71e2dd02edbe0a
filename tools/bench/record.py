# SPDX-License-Identifier: Apache-2.0
"""The document that a run leaves: what was measured, on what, and every sample.

    {"schema": 1, "place": "direct" | "emulated" | "deterministic", "time": "real" | "virtual",
     "command": …, "settings": {…}, "machine": {…}, "versions": {…},
     "results": [{"bench", "subject", "measure", "unit", "samples": […], "failures": […],
                  "detail": {…}}, {"bench", "subject", "skipped": reason}, …]}

A sample that failed is a text among the failures, never a number. Times are in ms; in the
deterministic mode these are virtual: a million instructions of the emulated host.
"""

SCHEMA = 1
PLACES = ("direct", "emulated", "deterministic")
UNITS = ("ms", "KiB", "MiB/s", "1/s", "1")


class Record:
    """Hands each result to `keep` as it comes, so that a run that dies leaves what it had. `names` maps
    paths of this run to the names that the document has for them."""

    def __init__(self, keep, say, names=None):
        self._keep = keep
        self._say = say
        self._names = names or {}

    def _neutral(self, text):
        for path, name in self._names.items():
            text = text.replace(path, name)
        return text

    def add(self, bench, subject, measure, unit, samples, failures=(), **detail):
        """One series: numbers in `unit`, and the texts of the samples that failed."""
        if unit not in UNITS:
            raise ValueError(f"unknown unit {unit}")
        failures = [self._neutral(text) for text in failures]
        self._keep({"bench": bench, "subject": subject, "measure": measure, "unit": unit,
                    "samples": list(samples), "failures": failures, "detail": detail})
        for text in failures:
            self._say(f"{bench}: {subject}: {measure}: failed: {text}")

    def skip(self, bench, subject, reason):
        """What could not be measured here, and why."""
        self._keep({"bench": bench, "subject": subject, "skipped": self._neutral(reason)})
        self._say(f"{bench}: {subject}: skipped: {reason}")


def document(place, settings, machine, versions, results):
    return {"schema": SCHEMA, "place": place,
            "time": "virtual" if place == "deterministic" else "real",
            "settings": settings, "machine": machine, "versions": versions, "results": results}


def check(doc):
    """Raises ValueError naming what is wrong with a document."""
    if not isinstance(doc, dict):
        raise ValueError("expected a document of tools/bench/bench")
    if doc.get("schema") != SCHEMA:
        raise ValueError(f"schema {doc.get('schema')}, expected {SCHEMA}")
    if doc.get("place") not in PLACES:
        raise ValueError(f"place {doc.get('place')}, expected one of {', '.join(PLACES)}")
    if doc.get("time") not in ("real", "virtual"):
        raise ValueError(f"time {doc.get('time')}, expected real or virtual")
    for key in ("settings", "machine", "versions"):
        if not isinstance(doc.get(key), dict):
            raise ValueError(f"no {key}")
    if not isinstance(doc.get("results"), list):
        raise ValueError("no results")
    for number, result in enumerate(doc["results"]):
        check_keys(number, result)
        if "skipped" in result:
            continue
        if result["unit"] not in UNITS:
            raise ValueError(f"{result['measure']}: unknown unit {result['unit']}")
        for sample in result["samples"]:
            if isinstance(sample, bool) or not isinstance(sample, (int, float)):
                raise ValueError(f"{result['measure']}: {sample!r} is no sample")


def check_keys(number, result):
    if not isinstance(result, dict):
        raise ValueError(f"result {number}: expected an object")
    wanted = {"bench": str, "subject": str}
    wanted.update({"skipped": str} if "skipped" in result else
                  {"measure": str, "unit": str, "samples": list, "failures": list, "detail": dict})
    for key, kind in wanted.items():
        if not isinstance(result.get(key), kind):
            raise ValueError(f"result {number}: no {key}")


def find(doc, **wanted):
    """The results whose keys have these values, the skipped ones left out."""
    return [r for r in doc["results"] if "skipped" not in r
            and all(r.get(key) == value for key, value in wanted.items())]


def has_failures(doc):
    return any(r.get("failures") for r in doc["results"])


def unit_text(doc, unit):
    """A unit as it is to be shown: a virtual time is labelled so everywhere."""
    if doc["time"] == "virtual":
        return {"ms": "virtual ms", "MiB/s": "MiB per virtual s", "1/s": "per virtual s"}.get(unit, unit)
    return unit
