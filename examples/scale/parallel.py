"""Work that divides well: nothing is shared, nobody waits."""
import multiprocessing as mp
import sys

LOOPS = 12_000_000


def work(loops):
    x = 1
    for _ in range(loops):
        x = x * 69069 & 0xFFFFFFFF


if __name__ == "__main__":
    mp.set_start_method("fork")
    n = int(sys.argv[1])
    workers = [mp.Process(target=work, args=(LOOPS // n,)) for _ in range(n)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
