"""The conversation with run.mjs: one JSON order a line in, one JSON reply a line out, in a process that lives on."""

import json
import os
import sys
import time
import traceback


def serve(versions, open_cell):
    """Obeys orders until told to end.

    `open_cell(order)` returns an object with `about` (a dict for the reply), `round()` and `close()`; any other method
    that an order names (such as `loss`) is called and its result sent back. Whatever libraries print goes to stderr.
    """
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    cell = None
    for line in sys.stdin:
        order = json.loads(line)
        kind = order["kind"]
        try:
            if kind == "versions":
                value = versions
            elif kind == "open":
                cell = open_cell(order)
                value = cell.about
            elif kind == "round":
                started = time.perf_counter()
                cell.round()
                value = {"milliseconds": 1000 * (time.perf_counter() - started)}
            elif kind == "close":
                cell.close()
                cell = None
                value = None
            else:
                value = getattr(cell, kind)()
            reply = {"value": value}
        except Exception as thrown:  # the reason travels to the table; nothing is swallowed
            traceback.print_exc()
            reply = {"error": f"{type(thrown).__name__}: {str(thrown).splitlines()[0] if str(thrown) else ''}"}
        replies.write(json.dumps(reply) + "\n")
