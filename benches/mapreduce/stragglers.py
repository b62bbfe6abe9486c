#!/usr/bin/env python3
"""How map and reduce fare when a process is slow, or is killed: stragglers.py DIVVY TEXT...

Counts the words of the TEXTs by four processes of one worker each: three of them have two fifths of a core and one a tenth of that.
Where control groups can be made (as root, version 1) their quotas see to that, else signals that stop the processes and let them
go on. And by nine, one of which is killed when the first part was made. The best that can be is the work of one process alone,
which has two fifths as well, over the sum of the speeds.

Each line tells, beside the ratio to that best, the work of all processors over that of one process alone: what is above 1 was
done twice, or is what dividing costs. A count that never ends would be one that waits for a process that was stopped.
"""
import argparse
import glob
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GROUPS = "/sys/fs/cgroup/cpu"
# Shorter than the default of 100 ms: who is held up for most of that every time is not slow but jerky.
PERIOD = 0.01


class Share:
    """What keeps a process at its share of a core."""

    def __init__(self, process, share):
        self.process, self.group = process, None
        if share < 1:
            self.limit(share)

    def limit(self, share):
        try:
            self.group = tempfile.mkdtemp(prefix="divvy-", dir=GROUPS)
            period = int(PERIOD * 1e6)
            # The kernel gives no quota below a millisecond.
            period = max(period, int(1000 / share))
            self.write("cpu.cfs_period_us", period)
            self.write("cpu.cfs_quota_us", int(period * share))
            # Whatever else the machine does, they get their quota.
            self.write("cpu.shares", 1 << 18)
            self.write("cgroup.procs", self.process.pid)
        except OSError:
            self.end()
            threading.Thread(target=self.stop_and_go, args=[share], daemon=True).start()

    def write(self, name, value):
        with open(f"{self.group}/{name}", "w") as file:
            file.write(str(value))

    def stop_and_go(self, share):
        try:
            while self.process.poll() is None:
                self.process.send_signal(signal.SIGCONT)
                time.sleep(5 * PERIOD * share)
                if self.process.poll() is None:
                    self.process.send_signal(signal.SIGSTOP)
                    time.sleep(5 * PERIOD * (1 - share))
        except ProcessLookupError:
            pass

    def lift(self):
        """Lets it run on as fast as it can."""
        if self.group:
            self.write("cpu.cfs_quota_us", -1)

    def end(self):
        if self.group:
            os.rmdir(self.group)
            self.group = None


def busy(process):
    """Seconds of processors of a child that has not been waited for."""
    with open(f"/proc/{process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Count:
    """One count: seconds, seconds of processors, the output, and what was said at its end."""

    def __init__(self, divvy, texts, shares, kill=False):
        home = tempfile.mkdtemp(dir=".")
        env = dict(os.environ, DIVVY_DIR=f"{home}/state")
        out, begun = f"{home}/out", time.monotonic()
        job = [divvy, "mr", "wordcount", *texts, "-o", out, "-j1", "--memory", "256M", "--split", "2M"]
        # Not until there is nothing to do: there is nothing yet.
        work = [divvy, "work", "-j1"]
        said = open(f"{home}/said", "w+")
        processes = [subprocess.Popen([*job, "--output", "json"], env=env, stdout=said)]
        limits = [Share(processes[0], shares[0])]
        while not glob.glob(f"{home}/.out.divvy-*/plan") and processes[0].poll() is None:
            time.sleep(0.01)
        for share in shares[1:]:
            processes.append(subprocess.Popen(work, env=env, stderr=subprocess.DEVNULL))
            limits.append(Share(processes[-1], share))
        if kill:
            while not glob.glob(f"{home}/.out.divvy-*/parts/part-*") and processes[0].poll() is None:
                time.sleep(0.005)
            processes[-1].kill()
        # Asked of the system without being waited for: what it has used is gone with that.
        os.waitid(os.P_PID, processes[0].pid, os.WEXITED | os.WNOWAIT)
        self.seconds = time.monotonic() - begun
        self.work = sum(busy(process) for process in processes)
        for process, limit in zip(processes, limits):
            limit.lift()
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait()
            limit.end()
        self.made = b"".join(open(part, "rb").read() for part in sorted(glob.glob(f"{out}/part-*")))
        said.seek(0)
        self.said = said.read()
        shutil.rmtree(home)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("divvy")
    parser.add_argument("text", nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.4, help="of a core, for all but the slow one")
    parser.add_argument("--only-slow", action="store_true", help="no count by nine")
    args = parser.parse_args()
    divvy, texts = os.path.abspath(args.divvy), [os.path.abspath(text) for text in args.text]
    share, slow = args.share, args.share / 10
    ratios, works = [], []
    for _ in range(args.runs):
        alone = Count(divvy, texts, [share])
        four = Count(divvy, texts, [share, share, share, slow])
        assert alone.made and four.made == alone.made, "not the same bytes"
        best = alone.seconds * share / (3 * share + slow)
        ratios.append(four.seconds / best)
        works.append(four.work / alone.work)
        print(
            f"one alone: {alone.seconds:.2f} s, {alone.work:.2f} s of processor; three and a slow one: {four.seconds:.2f} s, "
            f"{ratios[-1]:.2f} of the best; work {works[-1]:.2f} of one alone",
            flush=True,
        )
        if four.said.strip():
            print("   ", four.said.strip(), flush=True)
    spread = lambda xs: f"{statistics.median(xs):.2f} ({min(xs):.2f} to {max(xs):.2f})"
    print(f"median of {args.runs}: {spread(ratios)} of the best, work {spread(works)} of one alone")
    for _ in range(0 if args.only_slow else 3):
        whole = Count(divvy, texts, [1] * 9)
        killed = Count(divvy, texts, [1] * 9, kill=True)
        assert whole.made == killed.made == alone.made, "not the same bytes"
        print(f"nine: {whole.seconds:.2f} s; one of them killed: {killed.seconds:.2f} s, {killed.seconds / whole.seconds - 1:+.0%}")


if __name__ == "__main__":
    sys.exit(main())
