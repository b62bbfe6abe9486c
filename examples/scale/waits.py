"""Work that is waiting for something outside, as for a disk or another machine; here it is a clock."""
import sys
import threading
import time

PIECES = 80
PIECE_S = 0.01


def work(pieces):
    for _ in range(pieces):
        time.sleep(PIECE_S)


if __name__ == "__main__":
    n = int(sys.argv[1])
    workers = [threading.Thread(target=work, args=(PIECES // n,)) for _ in range(n)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
