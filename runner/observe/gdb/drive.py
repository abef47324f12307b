"""What rt0lab runs in gdb after shim.py, walk.py and start.py, whose names it shares.

The environment variable RT0LAB_GDB names a JSON file with the binary, its argv
and environment, the scripts and the resolved stops. What is seen goes, one JSON
object a line, to the file the request names. The last line has "end": without
it gdb came to an end before the walk did, and what stands before is still good.
"""

import json
import os
import signal

import gdb


def _driven(path):
    global _release_
    with open(path, encoding="utf-8") as f:
        req = json.load(f)
    _release_ = req["release"]
    out = os.open(req["report"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def report(line):
        os.write(out, (json.dumps(line) + "\n").encode())
    end, qemu = {"interrupted": ""}, None
    try:
        _quiet()
        files = set(s["path"] for s in req["scripts"])
        tables = _tables(req["scripts"], req["seconds"], files, lambda subject, why: report({"failed": {subject: why}}))
        places = {p["stop"]: p for p in req["places"] if p["state"] == "placed"}
        walker = _Walker(tables, places, report, req["seconds"], files)

        def start():
            nonlocal qemu
            if req.get("emulator"):
                qemu = _emulated(req)
                _behind_stub()
                return
            _started(req)
            _same_start(req, report)
        try:
            walker.run(start)
        finally:
            walker.over = True
    except BaseException as err:
        end["interrupted"] = _told(err, set())
    pid = gdb.selected_inferior().pid
    if qemu is not None:
        qemu.kill()  # gdb's number of the program means nothing to the kernel
        qemu.wait()
    elif pid:
        try:
            os.killpg(pid, signal.SIGKILL)  # what the program has started goes with it
        except OSError:
            pass  # it has another group than gdb gives
        try:
            gdb.execute("kill", to_string=True)
        except gdb.error:
            pass  # it ended in this moment
    report({"end": end})


_driven(os.environ["RT0LAB_GDB"])
gdb.execute("quit")
