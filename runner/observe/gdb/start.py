"""How rt0lab starts a program in gdb: the same for its scripts and for a person.

Shares the names of shim.py and walk.py: gdb runs all these files in one namespace.
"""

import ctypes
import os
import signal
import subprocess
import time

import gdb


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _emulated(req, shown=False):
    """Starts the program in qemu and connects to its stub. Returns qemu, which has the program's argv and environment.

    What the program writes is thrown away unless it is to be shown.
    """
    out = None if shown else subprocess.DEVNULL
    qemu = subprocess.Popen(
        [req["emulator"], "-g", req["socket"], "-0", req["binary"], req["binary"]] + req["args"],
        env=dict(e.partition("=")[::2] for e in req["env"]), preexec_fn=_die_with_parent,
        stdin=subprocess.DEVNULL, stdout=out, stderr=out)
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


def _started(req, shown=False):
    """Starts the program as Delve does: this argv, this environment, nothing of gdb's own."""
    def quoted(s):
        return "'" + s.replace("'", "'\\''") + "'"
    for text in req["args"] + req["env"]:
        if "\n" in text or "\0" in text:
            raise gdb.GdbError("%r cannot be handed to the program through gdb" % text)
    gdb.execute("set startup-with-shell on")
    gdb.execute("set exec-wrapper env -i " + " ".join(quoted(e) for e in req["env"]))
    gdb.execute("set args " + " ".join(quoted(a) for a in req["args"]) + (" </dev/null" if shown else " </dev/null >/dev/null 2>&1"))
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


def _tables(scripts, seconds, files, failed):
    """Reads the scripts, each in a namespace of its own that has the words."""
    words = {k: v for k, v in globals().items() if k[:1].isupper()}
    tables = []
    for s in scripts:
        space = dict(words, __name__="rt0lab." + s["subject"], __file__=s["path"])
        try:
            _within(seconds, files, exec, compile(s["source"], s["path"], "exec"), space)
            if "stops" not in space:
                raise gdb.GdbError("%s has no table `stops`" % s["path"])
            tables.append(_Table(s["subject"], s["path"], space["stops"]))
        except BaseException as err:
            failed(s["subject"], _told(err, files))
    return tables
