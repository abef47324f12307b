"""What rt0lab runs in gdb before a person gets the prompt, after shim.py, walk.py and start.py.

RT0LAB_GDB names a JSON file with all that is needed. The program runs to the stop; when it
does not come there, a file of JSON says why and gdb ends. The prompt then has the words of
the scripts (python print(Reg("rsp"))) and the three commands below.
"""

import difflib
import json
import os
import signal
import threading

import gdb


class _Way(_Walker):
    """Ends where it stops first at one place."""

    def __init__(self, until, *rest):
        super().__init__(*rest)
        self.until = until

    def finished(self):
        return any(p.done for p in self.places if p.stop == self.until)


class _Sitting:
    def __init__(self, req):
        self.req, self.files = req, set(s["path"] for s in req["scripts"])
        self.entry, self.why, self.late = None, "", ""
        self.places = {p["stop"]: p for p in req["places"] if p["state"] == "placed"}
        self.tables = _tables(req["scripts"], req["seconds"], self.files, self.broken)
        way = {p["stop"]: p for p in req["way"]}
        self.walker = _Way(req["at"], self.tables, way, self.hear, req["seconds"], self.files)
        self.seen = self.walker.seen

    def broken(self, subject, why):
        gdb.write("%s: %s\n" % (subject, why), gdb.STDERR)

    def hear(self, line):
        self.why = line.get("warning", self.why)

    def start(self):
        if self.req["emulator"]:
            _emulated(self.req, True)
            _behind_stub()
        else:
            _started(self.req, True)
        self.entry = gdb.newest_frame().pc()

    def run(self):
        """Lets the program run to the stop; returns why it did not come there."""
        late = threading.Timer(self.req["patience"], self.give_up)
        late.daemon = True
        late.start()
        try:
            self.walker.run(self.start)
        finally:
            late.cancel()
            self.walker.over = True
        for b in self.walker.breakpoints.values():
            b.delete()
        if self.walker.finished() and self.walker.alive():
            return ""
        return self.late or self.why or "the program ended before it"

    def give_up(self):
        self.late = "not passed within %gs" % self.req["patience"]
        try:
            # Behind a stub gdb's number is none of the kernel's, and its end ends the program.
            os.kill(os.getpid() if _stub_ else self.walker.pid, signal.SIGKILL)
        except (OSError, AttributeError):
            pass  # it ended in this moment, or has not begun

    def here(self, p):
        pc = gdb.newest_frame().pc()
        return pc == self.entry if p.get("exec") else pc - _image().bias in (p.get("addrs") or [])

    def standing(self):
        if not gdb.selected_inferior().pid:
            raise gdb.GdbError("The program is not being run.")
        _image().find()

    def facts(self, stop):
        self.standing()
        called, lines = False, []
        for name, p in self.places.items():
            if name != stop if stop else not self.here(p):
                continue
            for t in [t for t in self.tables if name in t.stops]:
                called = True
                try:
                    facts = _within(self.req["seconds"], self.files, t.stops[name], dict(self.seen)) or {}
                    self.seen.update(facts)
                    lines += [self.line(k, facts[k]) for k in sorted(facts)]
                except BaseException as err:
                    lines.append(_told(err, self.files))
        says = self.req["says"]
        if called:
            return lines
        if not stop:
            return [says["no_function"]]
        near = difflib.get_close_matches(stop, list(self.places), 3)
        return [says["no_table"] % (stop, "; did you mean %s?" % " or ".join('"%s"' % n for n in near) if near else "")]

    def line(self, name, value):
        kind, unit = self.req["facts"].get(name, ("", ""))
        text = "-" if value is None else hex(value) if kind == "address" and isinstance(value, int) else repr(value)
        return ("%s = %s %s" % (name, text, unit)).rstrip()

    def stops(self):
        self.standing()
        lines = []
        for p in self.req["places"]:
            where = " ".join("*%#x" % (a + _image().bias) for a in p.get("addrs") or [])
            if p["state"] != "placed":
                where = self.req["says"]["nowhere"]
            elif p.get("exec"):
                where = "exec"
            here = p["state"] == "placed" and self.here(p)
            lines.append("%-14s %s%s" % (where, p["stop"], "  <- " + self.req["says"]["here"] if here else ""))
        return lines


def _said(v):
    if isinstance(v, int) and not isinstance(v, bool) and abs(v) > 9:
        return "%d (%#x)" % (v, v)
    if isinstance(v, (list, tuple)) and v and isinstance(v[0], (list, tuple)):
        return "\n".join("  ".join(hex(e) if isinstance(e, int) and e > 9 else str(e) for e in row) for row in v)
    return repr(v)


def _command(name, help, lines):
    """Adds a command to the prompt. lines gets what stands behind its name."""
    def invoke(self, text, from_tty):
        try:
            for line in lines(text.strip()):
                gdb.write(line + "\n")
        except gdb.GdbError:
            raise
        except Exception as err:
            raise gdb.GdbError("%s: %s" % (type(err).__name__, err))
    type("_" + name, (gdb.Command,), {"__doc__": help, "invoke": invoke})(name, gdb.COMMAND_DATA)


_KEPT = ("pagination", "width", "height", "print frame-arguments", "print frame-info", "can-use-hw-watchpoints",
         "breakpoint always-inserted", "suppress-cli-notifications")


def _settings():
    kept = {}
    for name in _KEPT:
        try:
            kept[name] = gdb.parameter(name)
        except RuntimeError:
            pass  # this gdb does not have it
    return kept


def _set(kept):
    for name, value in kept.items():
        value = "unlimited" if value is None else {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
        gdb.execute("set %s %s" % (name, value), to_string=True)
    # What a crash sends is what a person wants to see.
    gdb.execute("handle SIGSEGV SIGBUS SIGILL SIGFPE SIGABRT SIGSYS SIGQUIT stop print pass", to_string=True)
    gdb.execute("set disassemble-next-line on", to_string=True)
    if os.environ.get("NO_COLOR"):
        gdb.execute("set style enabled off", to_string=True)


def _sat(path):
    global _release_, Tables
    with open(path, encoding="utf-8") as f:
        req = json.load(f)
    _release_ = req["release"]
    why, kept = {}, _settings()
    try:
        gdb.execute("file " + req["binary"].replace("\\", "\\\\").replace(" ", "\\ "), to_string=True)
        for source in req["sources"]:
            gdb.execute("set substitute-path %s %s" % (json.dumps(source["from"]), json.dumps(source["to"])))
        _quiet()
        s = _Sitting(req)
        said = s.run()
        if said:
            why = {"not_reached": said}
    except BaseException as err:
        why = {"error": _told(err, set())}
    if why:
        with open(req["report"], "w", encoding="utf-8") as f:
            json.dump(why, f)
        gdb.execute("quit 1")
    _set(kept)
    Tables = {t.subject: t.stops for t in s.tables}
    globals()["Seen"] = lambda: dict(s.seen)
    _command("say", req["help"]["say"], lambda text: [_said(v) for v in (eval("(%s,)" % text, globals()) if text else ())])
    _command("facts", req["help"]["facts"], s.facts)
    _command("stops", req["help"]["stops"], lambda _: s.stops())
    gdb.write(req["banner"])
    for addr in s.places.get(req["at"], {}).get("addrs") or []:
        gdb.execute("break *%#x" % (addr + _image().bias), to_string=True)
    try:
        gdb.execute("list *$pc")
    except gdb.error:
        gdb.execute("x/5i $pc")  # no source: in ld.so


_sat(os.environ["RT0LAB_GDB"])
