"""A handler that does nothing, one task a line, each answer flushed: the simplest there is."""
import json
import sys

for line in sys.stdin:
    task = json.loads(line)
    sys.stdout.write('{"task":%d}\n' % task["task"])
    sys.stdout.flush()
