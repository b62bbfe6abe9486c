"""Work that one process at a time can do: each piece is done while a lock is held."""
import multiprocessing as mp
import sys
import time

PIECES = 120
PIECE_S = 0.002


def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def work(pieces, lock):
    for _ in range(pieces):
        with lock:
            compute(PIECE_S)


if __name__ == "__main__":
    mp.set_start_method("fork")
    n, lock = int(sys.argv[1]), mp.Lock()
    workers = [mp.Process(target=work, args=(PIECES // n, lock)) for _ in range(n)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
