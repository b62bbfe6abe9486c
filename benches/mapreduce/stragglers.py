#!/usr/bin/env python3
"""How map and reduce fare when a process is slow, or is killed: stragglers.py DIVVY TEXT

Counts the words of TEXT by four processes of one worker each, which are stopped and let go on many times a second so that three of
them have two fifths of a core and one a tenth of that; and by nine, one of which is killed when the first part was made. The best that
can be is the work of one process alone, over the sum of the speeds.
"""
import glob
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PERIOD = 0.05


def throttle(process, share):
    """Lets a process run for this share of the time."""
    try:
        while process.poll() is None:
            process.send_signal(signal.SIGCONT)
            time.sleep(PERIOD * share)
            if share < 1 and process.poll() is None:
                process.send_signal(signal.SIGSTOP)
                time.sleep(PERIOD * (1 - share))
    except ProcessLookupError:
        pass


def busy():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def count(divvy, text, shares, kill=False):
    """Seconds, seconds of processors, and the output, of a count by one process for each share."""
    home = tempfile.mkdtemp(dir=".")
    env = dict(os.environ, DIVVY_DIR=f"{home}/state")
    out, before, begun = f"{home}/out", busy(), time.monotonic()
    job = [divvy, "mr", "wordcount", text, "-o", out, "-j1", "--memory", "256M", "--split", "2M"]
    first = subprocess.Popen(job, env=env)
    while not glob.glob(f"{home}/.out.divvy-*/plan") and first.poll() is None:
        time.sleep(0.01)
    work = [divvy, "work", "-j1", "--until-empty"]
    processes = [first] + [subprocess.Popen(work, env=env, stderr=subprocess.DEVNULL) for _ in shares[1:]]
    threads = [threading.Thread(target=throttle, args=pair) for pair in zip(processes, shares)]
    [thread.start() for thread in threads]
    if kill:
        while not glob.glob(f"{home}/.out.divvy-*/parts/part-*") and first.poll() is None:
            time.sleep(0.005)
        processes[-1].kill()
    first.wait()
    seconds = time.monotonic() - begun
    for process in processes[1:]:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()
    [thread.join() for thread in threads]
    made = b"".join(open(part, "rb").read() for part in sorted(glob.glob(f"{out}/part-*")))
    shutil.rmtree(home)
    return seconds, busy() - before, made


divvy, text = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
alone, work, expected = count(divvy, text, [1])
print(f"one process alone: {alone:.2f} s, {work:.2f} s of processor")
shares = [0.4, 0.4, 0.4, 0.04]
for _ in range(3):
    seconds, used, made = count(divvy, text, shares)
    assert made == expected
    best = alone / sum(shares)
    print(f"three and a slow one: {seconds:.2f} s, {seconds / best:.2f} of the best; work {used / work:.2f} of one alone")
for _ in range(3):
    whole, _, made = count(divvy, text, [1] * 9)
    assert made == expected
    killed, _, made = count(divvy, text, [1] * 9, kill=True)
    assert made == expected
    print(f"nine: {whole:.2f} s; one of them killed: {killed:.2f} s, {killed / whole - 1:+.0%}")
