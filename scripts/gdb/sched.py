# What schedinit finds and leaves: the limit of threads, m0, arguments and
# environment, the variables of GODEBUG, the collector's first numbers.


# The 16 bytes of a string that is an argument, as text: in registers since 1.17.
def message(stack):
    text, length = (Reg("rax"), Reg("rbx")) if Minor() >= 17 else (Word(stack), Word(stack + 8))
    return "".join([chr(Byte(text + i)) for i in range(length)])


def at_schedinit(seen):
    g0 = Addr("runtime.g0")
    return {
        "sched.getg.is_g0": G() == g0,
        "sched.getg.m_is_m0": At("runtime.g", G(), "m") == Addr("runtime.m0"),
        "sched.r14.is_g0": Reg("r14") == g0,
        "sched.maxmcount.before": Var("runtime.sched.maxmcount"),
        "sched.allm.before": Var("runtime.allm"),
        "sched.gsignal.before": Var("runtime.m0.gsignal"),
        "sched.mnext.before": Var("runtime.sched.mnext"),
        "sched.buildversion": Var("runtime.buildVersion"),
        "sched.buildversion.empty": Var("runtime.buildVersion") == "",
    }


# The second argument of mcommoninit: in RBX, up to 1.16 on the stack, up to 1.13 not there.
def at_mcommoninit(seen):
    if Minor() < 14:
        return {"sched.mcommoninit.id": None}
    id = Reg("rbx") if Minor() >= 17 else Word(Reg("rsp") + 16)
    return {"sched.mcommoninit.id": id - (1 << 64) if id >> 63 else id}


def at_mcommoninit_return(seen):
    signal = Var("runtime.m0.gsignal")
    return {
        "sched.m0.id": Var("runtime.m0.id"),
        "sched.allm.is_m0": Var("runtime.allm") == Addr("runtime.m0"),
        "sched.gsignal.size": At("runtime.g", signal, "stack.hi") - At("runtime.g", signal, "stack.lo"),
        "sched.mnext": Var("runtime.sched.mnext"),
    }


# A number of the first variable that this release has; it may be of an atomic type.
def number(*names):
    for name in names:
        if TypeOf(name) in ["int32", "int64", "uint64"]:
            return Var(name)
        if Addr(name) is not None:
            return Var(name + ".value")
    return None


# How many strings stand behind the arguments on the stack the kernel made.
def environment():
    at = Var("runtime.argv") + 8 * (Var("runtime.argc") + 1)
    n = 0
    while Word(at + 8 * n) != 0:
        n += 1
    return n


def has_aes():
    if Addr("runtime.support_aes") is not None:
        return Var("runtime.support_aes") and Var("runtime.support_ssse3") and Var("runtime.support_sse41")
    return Var("internal/cpu.X86.HasAES") and Var("internal/cpu.X86.HasSSSE3") and Var("internal/cpu.X86.HasSSE41")


def gc_facts():
    return {
        "sched.gc.percent": number("runtime.gcpercent", "runtime.gcController.gcPercent"),
        "sched.gc.minimum": number("runtime.heapminimum", "runtime.gcController.heapMinimum"),
        "sched.gc.trigger": number("runtime.memstats.gc_trigger", "runtime.gcController.trigger"),
        "sched.gc.phase": Var("runtime.gcphase"),
        "sched.gc.enabled": Var("runtime.memstats.enablegc"),
    }


def at_newproc(seen):
    poll = number("runtime.sched.lastpoll")
    aes = Var("runtime.useAeshash") if Addr("runtime.useAeshash") is not None else Var("internal/runtime/maps.UseAeshash")
    facts = {
        "sched.maxmcount": Var("runtime.sched.maxmcount"),
        "sched.sigmask.same": Word(Addr("runtime.initSigmask")) == Word(Addr("runtime.m0.sigmask")),
        "sched.args": Len("runtime.argslice"),
        "sched.args.all": Len("runtime.argslice") == Var("runtime.argc"),
        "sched.envs": Len("runtime.envs"),
        "sched.envs.all": Len("runtime.envs") == environment(),
        "sched.debug.cgocheck": Var("runtime.debug.cgocheck"),
        "sched.debug.invalidptr": Var("runtime.debug.invalidptr"),
        "sched.traceback": Var("runtime.traceback_cache"),
        "sched.lastpoll.set": poll != 0,
        "sched.aeshash": aes,
        "sched.aeshash.name": ([n for n in ["runtime.useAeshash", "internal/runtime/maps.UseAeshash"] if Addr(n) is not None] + [None])[0],
        "sched.aeshash.as_cpu": aes == has_aes(),
        "sched.modules.next": Var("runtime.firstmoduledata.next"),
        "sched.typemap.set": Var("runtime.firstmoduledata.typemap") != 0,
        "sched.itabs": Var("runtime.itabTable.count"),
        "sched.itabs.any": Var("runtime.itabTable.count") > 0,
        "sched.buildversion.unknown": Var("runtime.buildVersion") == "unknown",
        "sched.threads": len(Threads()),
    }
    facts.update(gc_facts())
    return facts


# cgocheck=2 ends the program since 1.21, in throw; before it comes to main.main.
def ends(where):
    return {"sched.end": where, "sched.barrier": Var("runtime.writeBarrier.enabled")}


def at_throw(seen):
    return ends(message(Reg("rsp") + 8))


def at_main(seen):
    return ends("main.main")


def at_limit(seen):
    return {
        "sched.limit.before": Var("main.before"),
        "sched.limit": Var("runtime.sched.maxmcount"),
        "sched.limit.ms": Var("runtime.sched.mnext") - Var("runtime.sched.nmfreed"),
        "sched.limit.message": message(Reg("rsp")),
    }


stops = {
    "runtime.schedinit": at_schedinit,
    "runtime.mcommoninit": at_mcommoninit,
    "runtime.mcommoninit return": at_mcommoninit_return,
    "runtime.newproc": at_newproc,
    "runtime.throw, any thread": at_throw,
    "main.main, any thread": at_main,
    "runtime.checkmcount: CALL runtime.throw, any thread": at_limit,
}

if __name__ == "__main__":
    Walk([stops])
