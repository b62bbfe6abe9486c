#!/usr/bin/env python3
"""Runs tasks that take more memory than they said, and watches what all of them and divvy itself hold.

usage: outgrow.py DIVVY [CAPACITY_MIB [TASKS]]

Every task touches between 50 and 700 MiB, but is said to take 200, then 400, then 800; each tenth would take more than
the node has. No process of the tree may reserve more than the capacity and a half, so that a mistake ends here and
not in the machine's memory.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
TASK = (
    "import sys, time; n = int(sys.argv[1]); mib = 3000 if n % 10 == 0 else 50 + n * 211 % 651;"
    "held = bytearray();\nfor _ in range(mib // 10): held.extend(b'x' * (10 << 20)); time.sleep(0.01)\n"
    "time.sleep(0.2)"
)


def resident(pid):
    """Bytes in memory of a process, 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def children(pid):
    """All that descend from a process."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as listed:
                for child in listed.read().split():
                    found += [int(child), *children(int(child))]
    except OSError:
        pass
    return found


def main():
    divvy, capacity, tasks = sys.argv[1], int((sys.argv[2:] or [1000])[0]), int((sys.argv[3:] or [60])[0])
    limit = capacity * 3 // 2 * MIB

    def bound():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    with tempfile.TemporaryDirectory() as place:
        command = [divvy, "run", "-j8", "--capacity", f"mem={capacity}M", "--mem", "200M,400M,800M"]
        command += ["--array", f"1-{tasks}", sys.executable, "-c", TASK, "{}"]
        env = dict(os.environ, DIVVY_DIR=place)
        began = time.monotonic()
        with subprocess.Popen(command, env=env, preexec_fn=bound, stderr=subprocess.PIPE) as run:
            own = most = 0
            os.set_blocking(run.stderr.fileno(), False)
            said = b""
            while run.poll() is None:
                said += run.stderr.read() or b""
                own = max(own, resident(run.pid))
                most = max(most, sum(map(resident, children(run.pid))))
                time.sleep(0.005)
            said += run.stderr.read() or b""
        outgrown = len(re.findall(rb"took more than its [0-9.]+ [A-Za-z]+ of memory", said))
        print(f"{tasks} tasks, {tasks // 10} of them too large: exit code {run.returncode}, {outgrown} said so")
        print(f"{time.monotonic() - began:.1f} s; divvy held {own / MIB:.0f} MiB at most, its tasks {most / MIB:.0f} MiB")


main()
