"""The command line in a process that stays: a line of JSON for each command, a line back for what it told.

"python" and a program runs that instead.

So that torch is imported once, and the Hub can change between two commands.
"""

import contextlib
import io
import json
import os
import sys
import traceback

from zoo.cli import main

answers = sys.stdout
for line in sys.stdin:
    arguments, folder, token = json.loads(line)
    os.chdir(folder)
    os.environ.pop("HF_TOKEN", None)
    if token is not None:
        os.environ["HF_TOKEN"] = token
    sys.argv[1:] = arguments
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            if arguments[0] == "python":
                exec(arguments[1], {})
            else:
                main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        except Exception:  # a user would see the traceback
            status = 70
            traceback.print_exc()
    print(json.dumps([status, out.getvalue(), err.getvalue()]), file=answers, flush=True)
