# SPDX-License-Identifier: Apache-2.0
"""Pictures of a document, SVG and PNG, drawn by gnuplot. A time that is virtual is labelled so."""

import os
import shutil
import subprocess

import figures
import record
import table

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999999", "#004488",
           "#dd8833", "#117733", "#882255", "#bbbbbb", "#0077bb", "#cc3311", "#009988", "#ddaa33",
           "#33bbee", "#ee3377", "#555555", "#000000")


def draw(doc, directory):
    """All pictures that the document has results for; the files' names. Raises RuntimeError."""
    if not shutil.which("gnuplot"):
        raise RuntimeError("gnuplot is missing (package gnuplot-nox): no pictures")
    os.makedirs(directory, exist_ok=True)
    drawn = []
    for name, script in (("start", start_script(doc)), ("phases", phases_script(doc)),
                         ("memory", memory_script(doc)), ("parallel", parallel_script(doc))):
        if script:
            drawn += [plot(script, os.path.join(directory, f"{name}.{kind}"), kind)
                      for kind in ("svg", "png")]
    return drawn


def plot(script, path, kind):
    terminal = {"svg": "svg size 900,420 font 'sans,13' background 'white'",
                "png": "pngcairo size 1350,630 font 'sans,14'"}[kind]
    head = f"set terminal {terminal}\nset output '{path}'\nset encoding utf8\n"
    run = subprocess.run(["gnuplot"], input=head + script, text=True, stderr=subprocess.PIPE)
    if run.returncode != 0:
        raise RuntimeError(f"gnuplot: {run.stderr.strip()}")
    return path


def quoted(text):
    return "'" + text.replace("'", "’").replace("_", r"\_") + "'"


def block(name, rows):
    """Rows as a gnuplot data block."""
    return f"${name} << EOD\n" + "\n".join(" ".join(str(cell) for cell in row) for row in rows) + "\nEOD\n"


def title(doc, text):
    where = {"direct": doc["machine"].get("cpu", "hardware KVM"), "emulated": "emulated host",
             "deterministic": "emulated host, virtual time"}[doc["place"]]
    return f"set title {quoted(f'{text} ({where})')}\n"


def start_script(doc):
    """Distribution: what part of the starts had ended by when."""
    series = [r for r in record.find(doc, bench="start", measure="command to exit") if r["samples"]]
    if not series:
        return None
    script, curves = "", []
    for i, result in enumerate(series):
        values = sorted(result["samples"])
        rows = [(values[0], 0)] + [(v, (n + 1) / len(values)) for n, v in enumerate(values)]
        script += block(f"s{i}", rows)
        curves.append(f"$s{i} using 1:2 with steps lw 2 lc rgb '{COLOURS[i % len(COLOURS)]}' "
                      f"title {quoted(result['subject'])}")
    return (script + title(doc, "Command to exit") + "set key outside right\nset grid\n"
            f"set xlabel '{record.unit_text(doc, 'ms')}'\nset ylabel 'part of the starts'\n"
            "set xrange [0:*]\nset yrange [0:1.05]\nplot " + ", \\\n ".join(curves) + "\n")


def phases_script(doc):
    """Bars of a segment for each phase, of the subjects that tell theirs; the others' whole starts below."""
    series = [r for r in record.find(doc, bench="start", measure="command to exit") if r["samples"]]
    series.sort(key=lambda r: not r["detail"].get("phases"))
    if not series or not series[0]["detail"].get("phases"):
        return None
    script, boxes, colours = "", [], {}
    for row, result in zip(range(len(series), 0, -1), series):
        for i, (name, start, end) in enumerate(segments(result)):
            label = None if name in colours or not name else name
            colour = colours.setdefault(name, COLOURS[len(colours) % len(COLOURS)]) if name else "#dddddd"
            script += block(f"b{row}s{i}", [(start, end, row)])
            boxes.append(bar(f"b{row}s{i}", colour, label))
    labels = ", ".join(f"{quoted(r['subject'])} {len(series) - i}" for i, r in enumerate(series))
    return (script + title(doc, "Command to exit, medians; each segment ends with what its name says")
            + f"set ytics ({labels})\nset yrange [0.4:{len(series) + 0.6}]\nset xrange [0:*]\n"
            f"set xlabel '{record.unit_text(doc, 'ms')}'\nset key outside right reverse Left\n"
            "set grid x\nset style fill solid 1.0 border lc rgb 'white'\nplot " + ", \\\n ".join(boxes) + "\n")


def segments(result):
    """Name, beginning and end of each phase; the whole start, without a name, of who tells none."""
    phases = result["detail"].get("phases")
    if not phases:
        return [(None, 0, figures.percentile(result["samples"], 50))]
    medians = table.median_phases(phases)
    return list(zip(medians, [0.0, *medians.values()], medians.values()))


def bar(name, colour, label):
    return (f"${name} using ($1+($2-$1)/2):3:1:2:($3-0.35):($3+0.35) with boxxyerror "
            f"lc rgb '{colour}' " + (f"title {quoted(label)}" if label else "notitle"))


def memory_script(doc):
    """Private memory of each program, stacked by subject, guest memory left out."""
    private = [r for r in record.find(doc, bench="density") if r["samples"]
               and r["detail"].get("memory") == "private" and r["detail"]["program"] != "probe"]
    if not private:
        return None
    subjects = list(dict.fromkeys(r["subject"] for r in private))
    script, boxes = "", []
    base = dict.fromkeys(subjects, 0.0)
    for i, result in enumerate(private):
        subject = result["subject"]
        value = figures.percentile(result["samples"], 50)
        script += block(f"m{i}", [(subjects.index(subject), base[subject], base[subject] + value)])
        boxes.append(f"$m{i} using 1:2:($1-0.35):($1+0.35):2:3 with boxxyerror "
                     f"lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(result['detail']['program'])}")
        base[subject] += value
    labels = ", ".join(f"{quoted(name)} {i}" for i, name in enumerate(subjects))
    return (script + title(doc, "Private memory of the processes around a container")
            + f"set xtics ({labels})\nset xrange [-0.6:{len(subjects) - 0.4}]\nset yrange [0:*]\n"
            "set ylabel 'KiB, guest memory left out'\nset key outside right\nset grid y\n"
            "set style fill solid 1.0 border lc rgb 'white'\nplot " + ", \\\n ".join(boxes) + "\n")


def parallel_script(doc):
    """Starts per second over how many were asked for at once."""
    series = [r for r in record.find(doc, bench="density", unit="1/s") if r["samples"]]
    subjects = list(dict.fromkeys(r["subject"] for r in series))
    if not subjects:
        return None
    script, curves = "", []
    for i, subject in enumerate(subjects):
        rows = [(r["detail"]["at_once"], figures.percentile(r["samples"], 50))
                for r in series if r["subject"] == subject]
        script += block(f"c{i}", rows)
        curves.append(f"$c{i} using 1:2 with linespoints lw 2 pt 7 "
                      f"lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(subject)}")
    return (script + title(doc, "Starts at once") + "set logscale x 2\nset xtics (1, 2, 4, 8, 16, 32, 64)\n"
            f"set xlabel 'asked for at once'\nset ylabel 'running, {record.unit_text(doc, '1/s')}'\n"
            "set yrange [0:*]\nset grid\nset key outside right\nplot " + ", \\\n ".join(curves) + "\n")
