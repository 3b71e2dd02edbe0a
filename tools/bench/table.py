# SPDX-License-Identifier: Apache-2.0
"""The results as text for a terminal."""

import figures
import record


def number(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def series_table(doc):
    """A line for each series: least, median, p99, greatest; failures are counted, not averaged in."""
    rows, bench = [], None
    for result in doc["results"]:
        if result["bench"] != bench:
            bench = result["bench"]
            rows += [[], [bench, "", "min", "median", "p99", "max", "n", "unit"]]
        if "skipped" in result:
            rows.append([result["subject"], f"skipped: {result['skipped']}"])
            continue
        failed = len(result["failures"])
        cells = ["-"] * 4
        if result["samples"]:
            found = figures.summary(result["samples"])
            cells = [number(found[key]) for key in ("min", "median", "p99", "max")]
        rows.append([result["subject"], result["measure"], *cells, str(len(result["samples"])),
                     record.unit_text(doc, result["unit"]) + (f"  {failed} FAILED" if failed else "")])
    return aligned(rows)


def aligned(rows):
    full = [row for row in rows if len(row) == 8]
    widths = [max(len(row[i]) for row in full) for i in range(8)] if full else []
    lines = []
    for row in rows:
        if len(row) == 8:
            cells = [cell.ljust(widths[i]) if i in (0, 1, 7) else cell.rjust(widths[i])
                     for i, cell in enumerate(row)]
            lines.append("  ".join(cells).rstrip())
        else:
            lines.append((row[0].ljust(widths[0]) + "  " + row[1]) if row and widths else " ".join(row))
    return "\n".join(lines)


def median_phases(samples):
    """The median of each stamp over all samples that have it, in order of time."""
    names = {name for sample in samples for name in sample}
    medians = {name: figures.percentile([s[name] for s in samples if name in s], 50) for name in names}
    return dict(sorted(medians.items(), key=lambda item: item[1]))


def phases_text(doc):
    """When each phase of nacre was reached, and how long it took."""
    lines = []
    for result in record.find(doc, bench="start", measure="command to exit"):
        if not result["detail"].get("phases"):
            continue
        unit = record.unit_text(doc, "ms")
        lines += ["", f"{result['subject']}: {unit} since the fork, and since the phase before (medians)"]
        before = 0.0
        for name, at in median_phases(result["detail"]["phases"]).items():
            lines.append(f"{number(at):>10}  {'+' + number(at - before):>8}  {name}")
            before = at
        exits = median_phases(result["detail"]["exits"])
        lines.append("exits of the vCPU to user space: "
                     + ", ".join(f"{name} {count}" for name, count in sorted(exits.items())))
    return "\n".join(lines)


def kernel_exits_text(doc):
    """KVM's own counters, by reason, of a machine that was started and waits."""
    rows = record.find(doc, bench="exits")
    lines = []
    for result in rows:
        counts = {name: n for name, n in result["detail"].get("kvm", {}).items() if n}
        if not counts:      # it failed, and says why in its line
            continue
        lines += ["", f"{result['subject']}: what KVM counted until the program waits",
                  ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda i: -i[1]))]
    return "\n".join(lines)


def text(doc):
    head = f"nacre bench: {doc['machine'].get('cpu', 'unknown processor')}, {doc['place']}"
    if doc["time"] == "virtual":
        head += ("\nTimes are virtual: 1 virtual ms is a million instructions of the emulated host, "
                 "no time of any real machine.")
    return "\n".join(part for part in (head, series_table(doc), phases_text(doc),
                                       kernel_exits_text(doc)) if part)
