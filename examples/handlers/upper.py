#!/usr/bin/env python3
"""One task at a time:  divvy run -k --handler examples/handlers/upper.py ::: a b c"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../clients/python"))
from divvy_handler import Task, handler


@handler
def upper(task: Task):
    if not task.input:
        raise ValueError("an empty input")
    return task.input.upper() + "\n"


if __name__ == "__main__":
    upper.run()
