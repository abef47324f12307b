# How many Ps procresize makes, who owns them, and what becomes of them when the
# number changes.

CPUS = ["runtime.ncpu", "runtime.numCPUStartup"]
FIRST = 5  # the number of Ps that the fixture procs begins with
FEWER = 2  # what it goes down to


def cpus():
    return [Var(n) for n in CPUS if Addr(n) is not None][0]


# The entries of allp, and those behind its end that are still there.
def all_ps(count):
    first = Word(Addr("runtime.allp"))
    return [Word(first + 8 * i) for i in range(count)]


def status(p):
    return At("runtime.p", p, "status")


def dead(ps):
    return len([p for p in ps if p != 0 and status(p) == Const("runtime._Pdead")])


# How many Ms there are, along the list of all of them.
def machines():
    next, count = Var("runtime.allm"), 0
    while next != 0 and count < 100:
        next, count = At("runtime.m", next, "alllink"), count + 1
    return count


def at_procresize(seen):
    return {"procs.m0_p.before": Var("runtime.m0.p")}


# The result is returned in a register since 1.17, and behind the argument before.
def at_procresize_return(seen):
    next, count = Reg("rax") if Minor() >= 17 else Word(Reg("rsp") + 16), 0
    while next != 0 and count < 100:
        next, count = At("runtime.p", next, "link"), count + 1
    return {"procs.runnable": count, "procs.goroutines": Var("runtime.allglen")}


def at_newproc(seen):
    length = Len("runtime.allp")
    ps = all_ps(length)
    own = [i for i in range(length) if ps[i] == Var("runtime.m0.p")]
    return {
        "procs.count": Var("runtime.gomaxprocs"),
        "procs.len": length,
        "procs.is_cpus": Var("runtime.gomaxprocs") == cpus(),
        "procs.fits_cpus": Var("runtime.gomaxprocs") <= cpus(),
        "procs.all": ps,
        "procs.status": [status(p) for p in ps],
        "procs.idle": Dword(Addr("runtime.sched.npidle")),
        "procs.threads": len(Threads()),
        "procs.machines": machines(),
        "procs.m0_p": own[0] if own else -1,
        "procs.owned_by_m0": [i for i in range(length) if At("runtime.p", ps[i], "m") == Addr("runtime.m0")],
        "procs.functions": [f for f in ["runtime.(*p).init", "runtime.(*p).destroy"] if Has(f)],
    }


def at_shrunk(seen):
    dropped = all_ps(FIRST)[FEWER:]
    return {
        "procs.shrunk.len": Len("runtime.allp"),
        "procs.shrunk.dead": dead(dropped),
        "procs.shrunk.kept": dropped == seen["procs.all"][FEWER:FIRST],
    }


def at_grown(seen):
    ps = all_ps(Len("runtime.allp"))
    return {
        "procs.grown.len": len(ps),
        "procs.grown.again": [i for i in range(min(FIRST, len(ps))) if ps[i] == seen["procs.all"][i]],
        "procs.grown.dead": dead(ps),
    }


stops = {
    "runtime.procresize": at_procresize,
    "runtime.procresize return": at_procresize_return,
    "runtime.newproc": at_newproc,
    "main.shrunk, any thread": at_shrunk,
    "main.grown, any thread": at_grown,
}

if __name__ == "__main__":
    Walk([stops])
