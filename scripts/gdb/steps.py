# The steps of schedinit: in which order it takes them, and what some of them change.
#
# Order is seen, not read: every function adds its name when it is entered for the
# first time. Those that something else has called before are watched at the call
# in schedinit instead.

# What some post lists, without those that other functions call, too.
LISTED = [
    "runtime.tracebackinit",
    "runtime.moduledataverify",
    "runtime.stackinit",
    "runtime.mallocinit",
    "runtime.fastrandinit",
    "runtime.mcommoninit",
    "runtime.cpuinit",
    "runtime.alginit",
    "runtime.modulesinit",
    "runtime.typelinksinit",
    "runtime.itabsinit",
    "runtime.msigsave",
    "runtime.sigsave",
    "runtime.goargs",
    "runtime.goenvs",
    "runtime.parsedebugvars",
    "runtime.gcinit",
    "runtime.procresize",
]

# What belongs to no step: locks are made known, memory is written, text is read
# or an error is reported.
HOUSEKEEPING = [
    "runtime.lockInit",
    "runtime.traceLockInit",
    "runtime.(*rwmutex).init",
    "runtime.(*listHeadManual).init",
    "runtime.(*wbBuf).reset",
    "runtime.worldStarted",
    "runtime.gogetenv",
    "runtime.atoi32",
    "runtime.throw",
    "runtime.printlock",
    "runtime.printunlock",
    "runtime.printnl",
]
PACKAGES = ["internal/strconv.", "internal/runtime/strconv.", "runtime/internal/atomic.", "internal/runtime/atomic."]


def is_step(name):
    if name in HOUSEKEEPING or name.startswith("runtime.gcWriteBarrier") or name.startswith("runtime.morestack"):
        return False
    return "." in name and len([p for p in PACKAGES if name.startswith(p)]) == 0


def only(names, wanted):
    return [name for name in names if name in wanted]


def mnemonics(function):
    code = Disasm(function)
    if code is None:
        return None
    return [text.partition(" ")[0] for _, text in code if text not in ["int3", "int 3"]]


# The last call before the code of schedinit stores to initSigmask.
def before_sigmask():
    at, last = "[0x%x]" % Addr("runtime.initSigmask"), None
    for _, text in Disasm("runtime.schedinit"):
        verb, _, to = text.partition(" ")
        if verb == "call" and to.startswith("0x"):
            last = Symbol(int(to, 16))
        elif verb.startswith("mov") and to.startswith(at + ","):
            return last
    return None


def at_exec(seen):
    locks, worlds = mnemonics("runtime.lockInit"), mnemonics("runtime.worldStopped")
    calls = [name for name in Calls("runtime.schedinit") if is_step(name)]
    return {
        "steps.calls": calls,
        "steps.calls.traceback": only(calls, ["runtime.tracebackinit"]),
        "steps.calls.cpu": only(calls, ["runtime.cpuinit", "internal/cpu.Initialize"]),
        "steps.sigmask.after": before_sigmask(),
        "steps.lockinit.code": locks,
        "steps.lockinit.empty": None if locks is None else locks == ["ret"],
        "steps.worldstopped.code": worlds,
        "steps.worldstopped.empty": None if worlds is None else worlds == ["ret"],
    }


# A step that is entered by nobody else before.
def enters(name):
    return lambda seen: {"steps.order": seen.get("steps.order", []) + [name]}


# A step that schedinit is about to take.
def takes(name):
    return lambda seen: {"steps.order": seen.get("steps.order", []) + [name]}


def both(one, other):
    def at(seen):
        facts = one(seen)
        facts.update(other(seen))
        return facts
    return at


# What some steps change: the state before, and before and after.

def before(fact, state):
    return lambda seen: {fact: state()}


def after(fact, earlier, state):
    return lambda seen: {fact: [seen[earlier], state()]}


def modules():
    slice = Var("runtime.modulesSlice")
    return 0 if slice == 0 else Word(slice + 8)


def mask():
    return Var("runtime.firstmoduledata.gcdatamask.n") != 0


def itabs():
    return Var("runtime.itabTable.count") != 0


# A number of a variable that may be of an atomic type.
def number(name):
    return Var(name) if TypeOf(name) in ["int32", "int64", "uint64"] else Var(name + ".value")


def percent():
    return number("runtime.gcpercent" if Addr("runtime.gcpercent") is not None else "runtime.gcController.gcPercent")


# Whether hashes have their random start: the keys of AES, or where the
# processor has none the numbers of the other algorithm.
def hashing():
    for name in ["runtime.aeskeysched", "runtime.hashkey", "internal/runtime/maps.aeskeysched", "internal/runtime/maps.hashkey"]:
        start = Addr(name)
        if start is not None and (Word(start) != 0 or Word(start + 8) != 0):
            return True
    return False


def typemap():
    return Var("runtime.firstmoduledata.typemap") != 0


def at_debugvars(seen):
    return {"steps.cgocheck.before": Var("runtime.debug.cgocheck")}


# nanotime's result is in RAX, up to 1.16 on the stack.
def after_nanotime(seen):
    return {"steps.nanotime": Reg("rax") if Minor() >= 17 else Word(Reg("rsp"))}


def at_newproc(seen):
    poll = number("runtime.sched.lastpoll")
    took = seen.get("steps.nanotime")
    order = seen["steps.order"]
    return {
        "steps.order.listed": only(order, LISTED),
        "steps.order.world": only(order, ["runtime.worldStopped", "runtime.moduledataverify"]),
        "steps.order.random": only(order, ["runtime.mallocinit", "runtime.fastrandinit", "runtime.randinit", "runtime.mcommoninit"]),
        "steps.order.hashes": only(order, ["runtime.mcommoninit", "runtime.cpuinit", "runtime.alginit", "internal/runtime/maps.AlgInit"]),
        "steps.order.debugvars": only(
            order,
            ["runtime.goargs", "runtime.goenvs", "runtime.parsedebugvars", "runtime.parseRuntimeDebugVars", "runtime.finishDebugVarsSetup"],
        ),
        "steps.order.locked": only(order, ["runtime.lock", "runtime.nanotime", "runtime.procresize", "runtime.unlock"]),
        "steps.lastpoll.is_nanotime": None if took is None else poll == took,
        "steps.cgocheck": None if seen.get("steps.cgocheck.before") is None else [seen["steps.cgocheck.before"], Var("runtime.debug.cgocheck")],
    }


stops = {
    "exec": at_exec,
    "runtime.tracebackinit": enters("runtime.tracebackinit"),
    "runtime.lockVerifyMSize": enters("runtime.lockVerifyMSize"),
    "runtime.worldStopped": enters("runtime.worldStopped"),
    "runtime.getGodebugEarly": enters("runtime.getGodebugEarly"),
    "runtime.initPageTrace": enters("runtime.initPageTrace"),
    "runtime.(*ticksType).init": enters("runtime.(*ticksType).init"),
    "runtime.moduledataverify": enters("runtime.moduledataverify"),
    "runtime.stackinit": enters("runtime.stackinit"),
    "runtime.mallocinit": enters("runtime.mallocinit"),
    "runtime.fastrandinit": enters("runtime.fastrandinit"),
    "runtime.randinit": enters("runtime.randinit"),
    "runtime.mcommoninit": enters("runtime.mcommoninit"),
    "runtime.cpuinit": enters("runtime.cpuinit"),
    "runtime.alginit": both(enters("runtime.alginit"), before("steps.hashing.before", hashing)),
    "runtime.schedinit: after CALL runtime.alginit": after("steps.hashing", "steps.hashing.before", hashing),
    "internal/runtime/maps.AlgInit": both(enters("internal/runtime/maps.AlgInit"), before("steps.hashing.before", hashing)),
    "runtime.schedinit: after CALL internal/runtime/maps.AlgInit": after("steps.hashing", "steps.hashing.before", hashing),
    "runtime.modulesinit": both(enters("runtime.modulesinit"), both(before("steps.modules.before", modules), before("steps.mask.before", mask))),
    "runtime.schedinit: after CALL runtime.modulesinit": both(after("steps.modules", "steps.modules.before", modules), after("steps.mask", "steps.mask.before", mask)),
    "runtime.typelinksinit": both(enters("runtime.typelinksinit"), before("steps.typemap.before", typemap)),
    "runtime.schedinit: after CALL runtime.typelinksinit": after("steps.typemap", "steps.typemap.before", typemap),
    "runtime.itabsinit": both(enters("runtime.itabsinit"), before("steps.itabs.before", itabs)),
    "runtime.schedinit: after CALL runtime.itabsinit": after("steps.itabs", "steps.itabs.before", itabs),
    "runtime.stkobjinit": enters("runtime.stkobjinit"),
    "runtime.msigsave": enters("runtime.msigsave"),
    "runtime.sigsave": enters("runtime.sigsave"),
    "runtime.goargs": both(enters("runtime.goargs"), before("steps.argslice.before", lambda: Len("runtime.argslice"))),
    "runtime.schedinit: after CALL runtime.goargs": after("steps.argslice", "steps.argslice.before", lambda: Len("runtime.argslice")),
    "runtime.goenvs": both(enters("runtime.goenvs"), before("steps.envs.before", lambda: Len("runtime.envs"))),
    "runtime.schedinit: after CALL runtime.goenvs": after("steps.envs", "steps.envs.before", lambda: Len("runtime.envs")),
    "runtime.secure": enters("runtime.secure"),
    "runtime.checkfds": enters("runtime.checkfds"),
    "runtime.parsedebugvars": both(enters("runtime.parsedebugvars"), at_debugvars),
    "runtime.parseRuntimeDebugVars": both(enters("runtime.parseRuntimeDebugVars"), at_debugvars),
    "runtime.finishDebugVarsSetup": enters("runtime.finishDebugVarsSetup"),
    "runtime.gcinit": both(enters("runtime.gcinit"), before("steps.gcpercent.before", percent)),
    "runtime.schedinit: after CALL runtime.gcinit": after("steps.gcpercent", "steps.gcpercent.before", percent),
    "runtime.schedinit: CALL runtime.stackalloc": takes("runtime.stackalloc"),
    "runtime.schedinit: CALL runtime.mProfStackInit": takes("runtime.mProfStackInit"),
    "runtime.defaultGOMAXPROCSInit": enters("runtime.defaultGOMAXPROCSInit"),
    "runtime.schedinit: CALL runtime.lock": takes("runtime.lock"),
    "runtime.schedinit: CALL runtime.nanotime": takes("runtime.nanotime"),
    "runtime.schedinit: after CALL runtime.nanotime": after_nanotime,
    "runtime.schedinit: CALL runtime.defaultGOMAXPROCS": takes("runtime.defaultGOMAXPROCS"),
    "runtime.procresize": enters("runtime.procresize"),
    "runtime.schedinit: CALL runtime.unlock": takes("runtime.unlock"),
    "runtime.newproc": at_newproc,
}

if __name__ == "__main__":
    Walk([stops])
