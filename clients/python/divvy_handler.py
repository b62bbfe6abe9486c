"""Handlers for divvy in Python: one file, nothing but the standard library.

    from divvy_handler import Task, handler

    @handler
    def work(task: Task):
        return task.input.upper()

    if __name__ == "__main__":
        work.run()

started as ``divvy run --handler 'python3 work.py' ::: a b c``. What the function returns (``str`` or ``bytes``; ``None``
for nothing) is the task's output; what it raises fails the attempt. For tasks that are cheaper together there is
``batch_handler``. Whatever the function prints goes to stderr, since stdout carries the answers.

The protocol is docs/handlers.md; this file speaks version 1 of it.
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Callable, Iterable, List, Optional, Sequence, Union

__all__ = ["Task", "Result", "handler", "batch_handler"]

#: What becomes of a task: ``None`` or its output. In batches also an exception, which fails it.
Result = Union[None, str, bytes, BaseException]

_READ = 1 << 16
#: An answer waits at most so many seconds for others, so that divvy knows how long tasks take.
_FLUSH_SECONDS = 0.005


class Task:
    """A task."""

    __slots__ = ("id", "input", "attempt", "fence")

    #: The id under which divvy shows it.
    id: int
    #: Its input: ``str``, or ``bytes`` where it is not UTF-8.
    input: Union[str, bytes]
    #: Attempts, this one included.
    attempt: int
    #: Rises each time that the task is given to somebody; ``None`` unless asked for.
    fence: Optional[int]

    def __init__(self, told: dict) -> None:
        self.id = told["task"]
        text = told.get("input")
        self.input = base64.b64decode(told["input_b64"]) if text is None else text
        self.attempt = told.get("attempt", 1)
        self.fence = told.get("fence")

    def __repr__(self) -> str:
        return f"Task(id={self.id}, input={self.input!r}, attempt={self.attempt})"


class _Answers:
    """Answers on their way out: plain successes as ranges, everything together in large writes."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.lines: List[str] = []
        self.done: List[List[int]] = []
        self.flushed = time.monotonic()

    def add(self, task: int, result: Result) -> None:
        if result is None:
            if self.done and self.done[-1][1] == task - 1:
                self.done[-1][1] = task
            else:
                self.done.append([task, task])
            return
        self.lines.append(json.dumps(_answer(task, result)))

    def flush(self) -> None:
        if self.done:
            self.lines.append(json.dumps({"done": self.done}))
            self.done = []
        self.flushed = time.monotonic()
        if not self.lines:
            return
        rest = memoryview(("\n".join(self.lines) + "\n").encode())
        self.lines = []
        while rest:
            rest = rest[os.write(self.fd, rest) :]

    def flush_if_due(self) -> None:
        if time.monotonic() - self.flushed > _FLUSH_SECONDS:
            self.flush()


def _answer(task: int, result: Result) -> dict:
    if isinstance(result, BaseException):
        why = f"{type(result).__name__}: {result}"
        return {"task": task, "error": why.encode("utf-8", "replace").decode()}
    if isinstance(result, bytes):
        return {"task": task, "output_b64": base64.b64encode(result).decode()}
    if isinstance(result, str):
        try:
            result.encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair: bytes that Python could not decode, as in names of files.
            return {"task": task, "output_b64": base64.b64encode(os.fsencode(result)).decode()}
        return {"task": task, "output": result}
    return {"task": task, "error": f"TypeError: a handler returns str, bytes or None, not {type(result).__name__}"}


def _blocks(fd: int) -> Iterable[list]:
    """The tasks that have come, as many as there are: single ones and arrays of them."""
    rest = b""
    while True:
        read = os.read(fd, _READ)
        if not read:
            return
        rest += read
        end = rest.rfind(b"\n")
        if end >= 0:
            # One call of the parser for all lines together.
            block, rest = rest[:end], rest[end + 1 :]
            yield json.loads(b"[" + block.replace(b"\n", b",") + b"]")


class Handler:
    """A function that handles tasks. It can be called as before."""

    def __init__(self, function: Callable, batch: Optional[int], fence: bool) -> None:
        self.function = function
        self.batch = batch
        self.fence = fence
        self.__doc__ = function.__doc__

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def run(self) -> None:
        """Handles tasks until there are no more. Everything that is slow to set up belongs before it."""
        out = os.dup(1)
        os.dup2(2, 1)
        answers = _Answers(out)
        hello = {"divvy": 1}
        if self.batch is not None:
            hello["batch"] = self.batch
        if self.fence:
            hello["fence"] = True
        answers.lines.append(json.dumps(hello))
        answers.flush()
        for block in _blocks(0):
            for told in block:
                if self.batch is None:
                    self._one(Task(told), answers)
                else:
                    self._many([Task(t) for t in (told if isinstance(told, list) else [told])], answers)
                answers.flush_if_due()
            answers.flush()

    def _one(self, task: Task, answers: _Answers) -> None:
        try:
            result = self.function(task)
        except Exception as error:
            result = error
        answers.add(task.id, result)

    def _many(self, tasks: Sequence[Task], answers: _Answers) -> None:
        try:
            results = self.function(tasks)
            results = [None] * len(tasks) if results is None else list(results)
            if len(results) != len(tasks):
                raise ValueError(f"{len(results)} results for {len(tasks)} tasks")
        except Exception as error:
            results = [error] * len(tasks)
        if results == [None] * len(tasks):
            # Every task between the first and the last is in this array: its ids ascend.
            answers.done.append([tasks[0].id, tasks[-1].id])
            return
        for task, result in zip(tasks, results):
            answers.add(task.id, result)


def handler(function: Optional[Callable[[Task], Result]] = None, *, fence: bool = False):
    """Makes a handler of a function of one task."""

    def make(function: Callable[[Task], Result]) -> Handler:
        return Handler(function, None, fence)

    return make if function is None else make(function)


def batch_handler(size: int, *, fence: bool = False):
    """Makes a handler of a function of at most ``size`` tasks.

    It returns ``None`` if all is well, or one result for each task in their order; an exception among the results fails
    its task. If it raises, all tasks of the batch have failed.
    """

    def make(function: Callable[[Sequence[Task]], Optional[Iterable[Result]]]) -> Handler:
        return Handler(function, size, fence)

    return make
