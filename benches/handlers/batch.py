"""A handler that does nothing, a thousand tasks a line."""
import json
import sys

sys.stdout.write('{"divvy":1,"batch":1000}\n')
sys.stdout.flush()
for line in sys.stdin:
    tasks = json.loads(line)
    if isinstance(tasks, dict):
        tasks = [tasks]
    sys.stdout.write('{"done":[[%d,%d]]}\n' % (tasks[0]["task"], tasks[-1]["task"]))
    sys.stdout.flush()
