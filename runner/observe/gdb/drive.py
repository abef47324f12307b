"""What rt0lab runs in gdb after shim.py and walk.py, whose names it shares.

The environment variable RT0LAB_GDB names a JSON file with the binary, its argv
and environment, the scripts and the resolved stops. What is seen goes, one JSON
object a line, to the file the request names. The last line has "end": without
it gdb came to an end before the walk did, and what stands before is still good.
"""

import ctypes
import json
import os
import signal
import subprocess
import time

import gdb


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _emulated(req):
    """Starts the program in qemu and connects to its stub. Returns qemu, which has the program's argv and environment."""
    qemu = subprocess.Popen(
        [req["emulator"], "-g", req["socket"], "-0", req["binary"], req["binary"]] + req["args"],
        env=dict(e.partition("=")[::2] for e in req["env"]), preexec_fn=_die_with_parent,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + req["seconds"]
    while True:
        try:
            gdb.execute("target remote " + req["socket"], to_string=True)
            return qemu
        except gdb.error as err:  # qemu does not listen yet
            if qemu.poll() is not None:
                raise gdb.GdbError("qemu ended with status %d before gdb could connect" % qemu.returncode)
            if time.monotonic() > end:
                qemu.kill()
                raise gdb.GdbError("qemu does not listen: %s" % err)
            time.sleep(0.002)


def _started(req):
    """Starts the program as Delve does: this argv, this environment, nothing of gdb's own."""
    def quoted(s):
        return "'" + s.replace("'", "'\\''") + "'"
    for text in req["args"] + req["env"]:
        if "\n" in text or "\0" in text:
            raise gdb.GdbError("%r cannot be handed to the program through gdb" % text)
    gdb.execute("set startup-with-shell on")
    gdb.execute("set exec-wrapper env -i " + " ".join(quoted(e) for e in req["env"]))
    gdb.execute("set args " + " ".join(quoted(a) for a in req["args"]) + " </dev/null >/dev/null 2>&1")
    gdb.execute("starti", to_string=True)


def _same_start(req, report):
    pid = gdb.selected_inferior().pid

    def of(name):
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            return f.read()

    def packed(texts):
        return b"".join(os.fsencode(t) + b"\0" for t in texts)
    if of("cmdline") != packed([req["binary"]] + req["args"]) or of("environ") != packed(req["env"]):
        raise gdb.GdbError("the program was started with another argv or environment than asked: %r %r"
                           % (of("cmdline"), of("environ")))
    try:
        if not int(of("personality"), 16) & 0x40000:
            report({"warning": "address space randomisation could not be turned off (personality is not allowed here)"})
    except OSError:
        pass


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
        words = {k: v for k, v in globals().items() if k[:1].isupper()}
        tables, files = [], set(s["path"] for s in req["scripts"])
        for s in req["scripts"]:
            space = dict(words, __name__="rt0lab." + s["subject"], __file__=s["path"])
            try:
                _within(req["seconds"], files, exec, compile(s["source"], s["path"], "exec"), space)
                if "stops" not in space:
                    raise gdb.GdbError("%s has no table `stops`" % s["path"])
                tables.append(_Table(s["subject"], s["path"], space["stops"]))
            except BaseException as err:
                report({"failed": {s["subject"]: _told(err, files)}})
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
