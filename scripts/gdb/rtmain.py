# What runtime.main does before it calls main.main: limits, sysmon, the lock on
# the main thread, the runtime's own init, the collector, main's init.


def current_m(path):
    return At("runtime.m", At("runtime.g", G(), "m"), path)


# The nth word of a function's arguments: in registers since 1.17.
def argument(n):
    if Minor() >= 17:
        return Reg(["rax", "rbx", "rcx"][n])
    return Word(Reg("rsp") + 8 + 8 * n)


def signed(n):
    return n - (1 << 64) if n >> 63 else n

# --- code of runtime.main, as data ---

# What a call goes to. Whether the compiler inlined the outer of two functions makes no difference here.
NAMES = {"runtime.nanotime1": "runtime.nanotime", "runtime.doInit1": "runtime.doInit"}
STEPS = ["runtime.init", "runtime.doInit", "runtime.nanotime", "runtime.gcenable"]


def target(text):
    to = text[len("call "):]
    name = Symbol(int(to, 16)) if to.startswith("0x") else None
    return NAMES.get(name, name) or to


# The steps among the calls, in the order of the code.
def steps(code):
    called = [target(text) for _, text in code if text.startswith("call ")]
    return [name for name in called if name in STEPS]


# What is stored into the variable at addr: the number in the instruction.
def stored(code, addr):
    for _, text in code:
        if addr is not None and text.startswith("mov [0x%x],0x" % addr):
            return int(text.partition(",")[2], 16)
    return None


# How many of the steps are nanotime, between the runtime's own init and gcenable.
def checked(order):
    first = [i for i in range(len(order)) if order[i] in ["runtime.init", "runtime.doInit"]][:1]
    enable = [i for i in range(len(order)) if order[i] == "runtime.gcenable"][:1]
    if not first or not enable:
        return None
    return len([s for s in order[first[0]:enable[0]] if s == "runtime.nanotime"])


def deferred(code):
    for _, text in code:
        if text.startswith("call ") and target(text) in ["runtime.deferproc", "runtime.deferprocStack"]:
            return target(text)
    return "in the frame"


# How main's init functions are started: by the last call of doInit in the code, or,
# where there is none, by the last call through a register before closechan.
def main_init(code):
    arg, how, closed = None, None, False
    for _, text in code:
        verb, _, rest = text.partition(" ")
        to, _, source = rest.partition(",")
        if verb in ["mov", "lea"] and to == "rax":
            if source.startswith("[0x"):
                arg = "one task" if verb == "lea" else "what a variable says"
            else:
                arg = "a list"
        if verb != "call":
            continue
        name = target(text)
        if name == "runtime.doInit":
            how = "doInit of " + arg
        elif name == "runtime.closechan":
            closed = True
        elif name == rest and not closed and not (how or "").startswith("doInit"):
            how = "call through a register"
    return how


# Whether the field of m.g0 that is racectx gets a 0.
def racectx(code):
    at = Offset("runtime.g", "racectx")
    return len([1 for _, text in code[:40] if text.startswith("mov [r") and text.endswith("+0x%x],0x0" % at)]) > 0


# newproc1 wakes another m up to 1.14, a function within newproc since.
def started_read():
    at = "[0x%x]" % Addr("runtime.mainStarted")
    for name in ["runtime.newproc1", "runtime.newproc.func1"]:
        if len([1 for _, text in Disasm(name) or [] if at in text]) > 0:
            return True
    return False


def code_facts():
    code = Disasm("runtime.main")
    sysmon = Calls("runtime.sysmon")
    return {
        "rtmain.nanotimes": checked(steps(code)),
        "rtmain.maxstack.code": stored(code, Addr("runtime.maxstacksize")),
        "rtmain.racectx.stored": racectx(code),
        "rtmain.defer.kind": deferred(code),
        "rtmain.defer.unlocks": "runtime.unlockOSThread" in (Calls("runtime.main.func2") or []),
        "rtmain.main_init": main_init(code),
        "rtmain.started.read": started_read(),
        "rtmain.sysmon.starts_gc": "runtime.gcStart" in sysmon,
        "rtmain.sysmon.wakes": "runtime.injectglist" in sysmon,
        "rtmain.initdone.name": ([n for n in ["runtime.main_init_done", "runtime.mainInitDoneChan"] if Has(n)] + [None])[0],
    }

# --- the run ---


def entered(seen, name):
    return seen.get("rtmain.order", []) + [name]


def at_runtime_main(seen):
    facts = code_facts()
    facts.update({
        "rtmain.order": entered(seen, "runtime.main"),
        "rtmain.main.thread": Tid() == Pid(),
        "rtmain.main.m": current_m("id"),
        "rtmain.main.goid": At("runtime.g", G(), "goid"),
        "rtmain.racectx.before": Var("runtime.g0.racectx"),
        "rtmain.maxstack.before": Var("runtime.maxstacksize"),
        "rtmain.started.before": Var("runtime.mainStarted"),
        "rtmain.locked.before": Var("runtime.m0.lockedInt"),
    })
    return facts


def at_newm(seen):
    return {
        "rtmain.order": entered(seen, "runtime.newm"),
        "rtmain.newm.function": Symbol(Word(argument(0))),
        "rtmain.newm.has_p": argument(1) != 0,
        "rtmain.newm.id": signed(argument(2)) if Minor() >= 14 else None,
        "rtmain.newm.on_g0": G() == current_m("g0"),
        "rtmain.newm.started": Var("runtime.mainStarted"),
    }


def at_init(seen):
    frames = Frames()
    return {
        "rtmain.order": entered(seen, "runtime.init"),
        "rtmain.init.caller": frames[1] if len(frames) > 1 else None,
        "rtmain.init.defers": At("runtime.g", G(), "_defer") != 0,
        "rtmain.init.time_known": Var("runtime.runtimeInitTime") != 0,
    }


def started_since(n):
    return [Symbol(Var("runtime.allgs[%d].startpc" % i)) for i in range(n, Len("runtime.allgs"))]


def done():
    return Var("runtime.main_init_done") if Has("runtime.main_init_done") else Var("runtime.mainInitDoneChan")


def at_gcenable(seen):
    return {
        "rtmain.order": entered(seen, "runtime.gcenable"),
        "rtmain.time_known": Var("runtime.runtimeInitTime") != 0,
        "rtmain.maxstack": Var("runtime.maxstacksize"),
        "rtmain.maxstack.ceiling": Var("runtime.maxstackceiling"),
        "rtmain.started": Var("runtime.mainStarted"),
        "rtmain.locked": Var("runtime.m0.lockedInt"),
        "rtmain.locked.to_m0": At("runtime.g", G(), "lockedm") == Addr("runtime.m0"),
        "rtmain.gc.before": Var("runtime.memstats.enablegc"),
        "rtmain.goroutines": Len("runtime.allgs"),
        "rtmain.second": (started_since(1) + [None])[0],
        "rtmain.initdone.before": done() != 0,
        "rtmain.forcegc.period": Var("runtime.forcegcperiod"),
    }


def after_gcenable(seen):
    return {
        "rtmain.gc": Var("runtime.memstats.enablegc"),
        "rtmain.gc.goroutines": started_since(seen["rtmain.goroutines"]),
    }


def at_bgsweep(seen):
    return {
        "rtmain.bgsweep.thread": Tid() == Pid(),
        "rtmain.bgsweep.bound": At("runtime.g", G(), "lockedm") != 0 or current_m("lockedg") != 0,
    }


def at_closechan(seen):
    return {"rtmain.order": entered(seen, "runtime.closechan")}


def at_unlock(seen):
    return {"rtmain.order": entered(seen, "runtime.unlockOSThread")}


def at_main(seen):
    return {
        "rtmain.order": entered(seen, "main.main"),
        "rtmain.cgo.order": seen.get("rtmain.cgo.order", []) + ["main.main"],
        "rtmain.initdone.closed": At("runtime.hchan", done(), "closed"),
    }


def at_template(seen):
    return {"rtmain.cgo.order": seen.get("rtmain.cgo.order", []) + ["runtime.startTemplateThread"]}


def at_notify(seen):
    return {"rtmain.cgo.order": seen.get("rtmain.cgo.order", []) + ["x_cgo_notify_runtime_init_done"]}

stops = {
    "runtime.main, any thread": at_runtime_main,
    "runtime.newm": at_newm,
    "runtime.init": at_init,
    "runtime.gcenable": at_gcenable,
    "runtime.main: after CALL runtime.gcenable": after_gcenable,
    "runtime.bgsweep, any thread": at_bgsweep,
    "runtime.closechan": at_closechan,
    "runtime.unlockOSThread": at_unlock,
    "runtime.startTemplateThread, any thread": at_template,
    "x_cgo_notify_runtime_init_done, any thread": at_notify,
    "main.main, any thread": at_main,
}


if __name__ == "__main__":
    Walk([stops])
