#!/usr/bin/env python3
"""A thousand tasks at a time:  divvy run --handler examples/handlers/squares.py --array 1-1000000 --bill"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../clients/python"))
from divvy_handler import batch_handler


@batch_handler(1000)
def squares(tasks):
    # What a library does for many at once in a fraction of the time belongs here: a model, a matrix, a bulk insert.
    sum(int(task.input) ** 2 for task in tasks)


if __name__ == "__main__":
    squares.run()
