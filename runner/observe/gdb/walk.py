"""How rt0lab takes a program from stop to stop in gdb, and lets the scripts look.

Shares the names of shim.py: gdb runs both files in one namespace.
"""

import bisect
import sys
import time

import gdb


class _Late(BaseException):
    """A function of a script did not come to its end."""


def _told(err, files):
    """The error as file:line: message, where the line is the script's."""
    where = ""
    if isinstance(err, SyntaxError) and err.filename in files:
        return "%s:%s: %s" % (err.filename, err.lineno, err.msg)
    tb = err.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename in files:
            where = "%s:%d: " % (tb.tb_frame.f_code.co_filename, tb.tb_lineno)
        tb = tb.tb_next
    kind = "" if isinstance(err, (_Late, gdb.GdbError)) else type(err).__name__ + ": "
    return (where + kind + str(err))[:2000]


def _within(seconds, files, function, *args):
    """Calls the function and raises _Late in the middle of its lines when time is up.

    A signal does not do: gdb has its own handlers. A loop inside of one C
    function of Python is out of reach; rt0lab's own deadline ends that.
    """
    end = time.monotonic() + seconds

    def trace(frame, event, arg):
        if time.monotonic() > end:
            raise _Late("no answer within %gs" % seconds)
        if frame.f_code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True  # a loop of one line has no other events
        return trace

    sys.settrace(trace)
    try:
        return function(*args)
    finally:
        sys.settrace(None)


def _raw(value):
    """A value as JSON that rt0lab can judge: what is no fact becomes an object, which it refuses."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_raw(v) for v in value]
    return {"python": type(value).__name__}


# ---- the walk

class _Table:
    def __init__(self, subject, path, stops):
        if not isinstance(stops, dict):
            raise gdb.GdbError("%s: stops is no table" % path)
        self.subject, self.path, self.stops = subject, path, stops


class _Place:
    def __init__(self, stop, p):
        self.stop = stop
        self.exec = p.get("exec", False)
        self.addrs = p.get("addrs") or []
        self.to = set(p.get("to") or [])
        self.hit = p.get("hit") or 1
        self.any_thread = p.get("any_thread", False)
        # "F #n": the only place that is a call, not an instruction, and that a call may pass more than once.
        self.entries = self.hit > 1 and not self.to and ":" not in stop and " return" not in stop
        self.arrivals = {}  # stack pointer -> where the call returns to, and the word below, when it was here last
        self.count = 0
        self.thread = None  # of a range, while it is stepped
        self.answers = {}   # of a range: subject -> all that was returned so far
        self.done = False


class _Walker:
    def __init__(self, tables, places, report, seconds, files):
        self.tables, self.report, self.seconds, self.files = tables, report, seconds, files
        self.places = [_Place(s, p) for s, p in places.items()]
        self.ranges = []
        self.breakpoints = {}
        self.seen = {}
        self.event, self.command = None, "stepi"
        self.at = {}
        self.dead = False  # gdb does not know yet that the program has ended
        self.over = False  # nothing more is reported
        self.leaving = None  # of a thread in the vDSO: where it goes on, and the breakpoint there
        self.stepped = {}  # thread -> where it was when it stopped last

    def alive(self):
        return gdb.selected_inferior().pid != 0 and not self.dead

    def run(self, start):
        gdb.events.stop.connect(self.on_stop)
        gdb.events.exited.connect(self.on_exit)
        try:
            start()
            if not self.alive():
                raise gdb.GdbError("the program ended before its first instruction")
            self.pid = Pid()
            self.report({"pid": self.pid})
            self.load()
            self.arrive(True)
            while self.alive() and not self.finished():
                try:
                    if self.resume() and self.alive():
                        self.arrive(False)
                except (RuntimeError, SystemError):
                    # A thread can be gone before gdb has heard that the whole program is. What a
                    # script raises does not come as far as this.
                    if not self.ending():
                        raise
                    self.dead = True
            for p in self.ranges:
                self.report({"warning": "%s: the program ended before the end of the range" % p.stop})
        finally:
            gdb.events.stop.disconnect(self.on_stop)
            gdb.events.exited.disconnect(self.on_exit)

    def finished(self):
        return all(p.done for p in self.places)

    def on_stop(self, event):
        self.event = event

    def on_exit(self, event):
        status = getattr(event, "exit_code", None)
        if status is None and not self.over:
            self.report({"warning": "the program was killed by a signal"})
        elif status and not self.over:
            self.report({"warning": "the program ended with status %d" % status})

    def load(self):
        """Finds where the binary is and sets the breakpoints."""
        self.vdso = [0, 0]
        if not _stub_:
            self.vdso = next((m[:2] for m in Maps() if m[3] == "[vdso]"), [0, 0])
        bias = _image().find()
        for p in self.places:
            p.addrs = [a + bias for a in p.addrs]
            p.to = set(a + bias for a in p.to)
            for a in p.addrs:
                self.at.setdefault(a, []).append(p)
        for a, here in self.at.items():
            b = gdb.Breakpoint("*%#x" % a, internal=True)
            b.silent = True
            if not any(p.any_thread for p in here):
                b.thread = 1  # gdb steps the others over it by itself
            self.breakpoints[a] = b

    def resume(self):
        # A signal gdb stops for would not reach the program by itself, and a crash would go
        # on for ever. An int3 of the program's own is a stop without breakpoint or signal.
        signal = getattr(self.event, "stop_signal", None)
        if self.command != "stepi" and type(self.event) is gdb.StopEvent:
            signal = "SIGTRAP"
        self.event, self.command = None, "signal " + signal if signal else "continue"
        if self.ranges:
            thread = self.ranges[0].thread
            if not thread.is_valid():
                for p in [p for p in self.ranges if p.thread is thread]:
                    self.report({"warning": "%s: its thread ended before the end of the range" % p.stop})
                    self.ranges.remove(p)
                    p.done = True
                return False
            thread.switch()
            if not signal and not self.leaving:
                self.command = "stepi"
        gdb.execute(self.command, to_string=True)
        return True

    def ending(self):
        """Whether the program is past its end, which it may need a moment for."""
        for _ in range(100):
            try:
                with open("/proc/%d/stat" % self.pid) as f:
                    if f.read().rpartition(")")[2].split()[0] in "ZX":
                        return True
            except OSError:
                return True
            time.sleep(0.01)
        return False

    def arrive(self, first):
        """Serves every place the thread that stopped is at.

        gdb reports a breakpoint that a second thread hit at the same time when it is
        resumed the next time: looking at the other threads here would count it twice.
        """
        thread = gdb.selected_thread()
        pc = gdb.newest_frame().pc()
        stepped = [p for p in self.ranges if p.thread.num == thread.num]
        if stepped and self.in_vdso(pc):
            return
        if stepped and pc == self.stepped.get(thread.num):
            return  # one round of an instruction with a rep prefix
        self.stepped[thread.num] = pc
        for p in stepped:
            if pc in p.to:
                self.end_range(p)
        for p in self.places:
            if first and p.exec and not p.done:
                self.pass_by(p, thread)
        for p in self.at.get(pc, []):
            if p.done or p in self.ranges or not (p.any_thread or thread.ptid[1] == self.pid):
                continue
            if p.entries and self.again(p, pc):
                continue
            p.count += 1
            if p.count == p.hit:
                self.pass_by(p, thread)
        for p in [p for p in self.ranges if p.thread.num == thread.num]:
            self.serve(p)  # last: what else stands here has been seen
        if pc in self.breakpoints and all(p.done or p in self.ranges for p in self.at[pc]):
            self.breakpoints.pop(pc).delete()

    def again(self, p, pc):
        """Whether the call that was here before is here once more.

        The runtime sends a goroutine back to the entry of a function when it takes the processor
        away there, or in the check of the stack; where the goroutine goes on is then left under
        the stack pointer. place.Place.Hit says what this does not tell.
        """
        if _stub_:
            return False  # arm64 has the return address in a register: every entry counts as a call
        image = _image()
        i = bisect.bisect_right(image.starts, pc - image.bias) - 1
        if i < 0 or image.starts[i] != pc - image.bias:
            return False
        sp = Reg("rsp")
        back, below = Word(sp), Word(sp - 8)
        last, p.arrivals[sp] = p.arrivals.get(sp), (back, below)
        # A leaf leaves the word alone: what was there before says nothing.
        return last is not None and back == last[0] and below != last[1] and pc <= below < image.order[i][1] + image.bias

    def in_vdso(self, pc):
        """Lets the thread run to the end of a function of the vDSO.

        The kernel changes the data of its clock with every tick, and these functions begin
        again when that happens: stepped, they are never fast enough to come to their end.
        """
        if self.leaving and pc == self.leaving[0]:
            self.leaving[1].delete()
            self.leaving = None
        if self.leaving or not self.vdso[0] <= pc < self.vdso[1]:
            return self.leaving is not None
        back = Word(Reg("rsp"))  # the step before was the call
        b = gdb.Breakpoint("*%#x" % back, internal=True)
        b.silent = True
        b.thread = gdb.selected_thread().num
        self.leaving = (back, b)
        return True

    def pass_by(self, p, thread):
        self.report({"passed": p.stop})
        if p.to:
            p.thread = thread
            self.ranges.append(p)
        else:
            p.done = True
            self.serve(p)

    def end_range(self, p):
        p.done = True
        self.ranges.remove(p)
        for answer in p.answers.values():
            self.report({"served": answer})

    def serve(self, p):
        """Calls the functions at the stop. Of a range only the whole is reported, when its end is reached."""
        for t in self.tables:
            function = t.stops.get(p.stop)
            before = p.answers.get(t.subject)
            if function is None or before and "error" in before:
                continue
            answer = {"subject": t.subject, "stop": p.stop}
            if before is None:
                self.report({"calling": answer})  # should gdb die of it
            try:
                facts = _within(self.seconds, self.files, function, dict(self.seen))
                if facts is None:
                    facts = {}
                if not isinstance(facts, dict):
                    raise TypeError("%s: the function at %s returned a %s, not a dict of facts"
                                    % (t.path, p.stop, type(facts).__name__))
                facts = {str(k): v for k, v in facts.items()}
                if all(k.partition(".")[0] == t.subject for k in facts):
                    self.seen.update(facts)
                answer["facts"] = dict(before["facts"] if before else {}, **{k: _raw(v) for k, v in facts.items()})
            except BaseException as err:  # also SystemExit and KeyboardInterrupt: the others go on
                answer["error"] = _told(err, self.files)
            if p.to:
                p.answers[t.subject] = answer
            else:
                self.report({"served": answer})
