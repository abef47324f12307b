# The lines that debuggers show in the posts: of functions' first instructions,
# of calls, of a backtrace.


def at(addr):
    """file:line, "?" where there is none."""
    where = Line(addr)
    return "?" if where is None else "%s:%d" % (where[0], where[1])


def calls(function, callees):
    """What is called, and from which line, of the calls of these functions; the first call of each."""
    found, done = [], []
    for addr, text in Disasm(function) or []:
        if text.startswith("call 0x"):
            name = Symbol(int(text[len("call "):], 16))
            if name in callees and name not in done:
                done.append(name)
                found.append("%s %s" % (name, at(addr)))
    return found


FUNCTIONS = ["_rt0_amd64", "runtime.rt0_go", "runtime.schedinit", "runtime.main"]


def lines():
    found = ["%s %s" % (f, at(Addr(f))) for f in FUNCTIONS if Addr(f) is not None]
    return found + ["call " + c for c in calls("runtime.rt0_go", ["runtime.newproc", "runtime.mstart"])]


def first_line(function):
    addr = Addr(function)
    return None if addr is None else at(addr)


def at_rt0_go(seen):
    return {"prov.lines": lines(), "prov.entry.gdb": first_line("_rt0_amd64_linux"), "prov.stackalloc": first_line("runtime.stackalloc")}


def at_schedinit(seen):
    return {"prov.schedinit.traceback": "runtime.tracebackinit" in Calls("runtime.schedinit")}


def at_runtime_main(seen):
    return {"prov.goexit": at(Word(Reg("rsp")) - 1)}


def at_main(seen):
    return {"prov.caller": at(Word(Reg("rsp")) - 1)}


def at_call(seen):
    """One more call of the way to stackalloc; the same ones are passed for m0's other stack."""
    return {"prov.backtrace": sorted(seen.get("prov.backtrace", []) + [at(Reg("rip"))])}


stops = {
    "runtime.rt0_go": at_rt0_go,
    "runtime.rt0_go: CALL runtime.newproc": at_call,
    "runtime.newproc: CALL runtime.systemstack": at_call,
    "runtime.newproc.func1: CALL runtime.newproc1": at_call,
    "runtime.newproc1: CALL runtime.malg": at_call,
    "runtime.malg: CALL runtime.systemstack": at_call,
    "runtime.malg.func1: CALL runtime.stackalloc": at_call,
    "runtime.schedinit": at_schedinit,
    "runtime.main": at_runtime_main,
    "main.main, any thread": at_main,
}

if __name__ == "__main__":
    Walk([stops])
