#!/usr/bin/env python3
"""What divvy adds to scripts: streaming.py DIVVY TEXT [TURNS]

Counts words by the scripts of examples/streaming in turns: by hand, one program after the other on files, and by `divvy mapreduce`
with two workers. The best that can be is half of the scripts' own time, with a core each, and the sort. Two parts, so that both
cores reduce.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "streaming")
# One write for each line that is printed would be measured otherwise.
ENV = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | {"LC_ALL": "C"}


def seconds(words, source=None, to=None):
    begun = time.monotonic()
    subprocess.run(words, env=ENV, stdin=source, stdout=to, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - begun


def by_hand(text, home, python):
    mapped, ordered, reduced = (os.path.join(home, name) for name in ("mapped", "ordered", "reduced"))
    with open(text) as source, open(mapped, "w") as to:
        map_s = seconds([python, f"{SCRIPTS}/count_map.py"], source, to)
    sort_s = seconds(["sort", "--parallel=2", "-S", "1G", "-o", ordered, mapped])
    with open(ordered) as source, open(reduced, "w") as to:
        reduce_s = seconds([python, f"{SCRIPTS}/count_reduce.py"], source, to)
    return map_s, sort_s, reduce_s, reduced


def by_divvy(divvy, text, home, python):
    out = os.path.join(home, "out")
    scripts = [f"{python} {SCRIPTS}/count_{what}.py" for what in ("map", "reduce")]
    words = [divvy, "mapreduce", "--mapper", scripts[0], "--reducer", scripts[1], text, "-o", out, "-j2", "--parts", "2"]
    return seconds(words), [os.path.join(out, name) for name in sorted(os.listdir(out)) if name.startswith("part-")]


def main():
    divvy, text = map(os.path.abspath, sys.argv[1:3])
    turns, ratios = int(sys.argv[3]) if len(sys.argv) > 3 else 5, []
    for _ in range(turns):
        home = tempfile.mkdtemp(dir=".")
        ENV["DIVVY_DIR"] = os.path.join(home, "state")
        map_s, sort_s, reduce_s, reduced = by_hand(text, home, sys.executable)
        whole, parts = by_divvy(divvy, text, home, sys.executable)
        made = b"".join(open(part, "rb").read() for part in parts)
        assert sorted(made.splitlines()) == sorted(open(reduced, "rb").read().splitlines())
        shutil.rmtree(home)
        best = (map_s + reduce_s) / 2 + sort_s
        ratios.append(whole / best)
        print(f"map {map_s:.2f} s, sort {sort_s:.2f} s, reduce {reduce_s:.2f} s; divvy {whole:.2f} s: {whole / best:.2f} of the best")
    print(f"median of {turns}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


main()
