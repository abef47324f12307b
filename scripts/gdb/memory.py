# How a program's memory grows and shrinks, and who gives it back.
#
# Sizes are those of the kernel, /proc/PID/statm: pages of 4 KiB.

PAGE = 4096
HUGE, NOHUGE = 14, 15


# [virtual, in memory], in bytes.
def sizes():
    words = Proc("statm").split(" ")
    return [int(words[0]) * PAGE, int(words[1]) * PAGE]


# The faults that needed no disk: the 10th number of stat, counted behind the name.
def faults():
    return int(Proc("stat").split(") ")[1].split(" ")[7])


def at_exec(seen):
    sysmon = Calls("runtime.sysmon")
    return {
        "memory.sysmon.scavenge": [name for name in sysmon if "cav" in name],
        "memory.sysmon.gc": "runtime.gcStart" in sysmon,
        "memory.controller": True if Has("runtime.gcController") else None,
        "memory.controller.minimum": True if Offset("runtime.gcControllerState", "heapMinimum") is not None else None,
    }


# A number, since Go 1.19 often within one of the types of the package atomic.
def number(expr):
    type = TypeOf(expr)
    if type is not None and type.endswith("atomic.Bool"):
        return Var(expr + ".u.value")
    if type is not None and type.endswith("atomic.Uint64"):
        return Var(expr + ".value")
    return Var(expr)


def some(*exprs):
    found = [number(e) for e in exprs if number(e) is not None]
    return found[0] if found else None


# The goroutines of the collector. Two of them leave their g in a variable before
# gcenable returns; the third may still wait to run, but is known by its function.
def workers():
    found = []
    if some("runtime.scavenge.g", "runtime.scavenger.g"):
        found.append("bgscavenge")
    if some("runtime.sweep.g"):
        found.append("bgsweep")
    for i in range(Len("runtime.allgs")):
        if Symbol(At("runtime.g", Var("runtime.allgs[%d]" % i), "startpc")) == "runtime.forcegchelper":
            found.append("forcegchelper")
    return found


def at_main(seen):
    return {
        "memory.workers": workers(),
        "memory.period": Var("runtime.forcegcperiod"),
        "memory.phase": Var("runtime.gcphase"),
        "memory.barrier": Var("runtime.writeBarrier.enabled"),
        "memory.blacken": Var("runtime.gcBlackenEnabled"),
        "memory.cycles": Var("runtime.memstats.numgc"),
        "memory.minimum": some("runtime.heapminimum", "runtime.gcController.heapMinimum"),
        "memory.trigger": some("runtime.memstats.gc_trigger", "runtime.gcController.trigger"),
    }


MIB = 1 << 20


# What ten MiB become in a count of pages, with room for what goes on besides.
def ten(size):
    return 8 * MIB <= size and size <= 14 * MIB


def at_started(seen):
    virtual, inside = sizes()
    return {"memory.start.vms": virtual, "memory.start.rss": inside, "memory.start.small": virtual <= 16 * MIB}


def at_allocated(seen):
    virtual, inside = sizes()
    grown, more = virtual - seen["memory.start.vms"], inside - seen["memory.start.rss"]
    return {
        "memory.allocated.rss": inside,
        "memory.alloc.vms": grown,
        "memory.alloc.rss": more,
        "memory.alloc.virtual": ten(grown),
        "memory.alloc.lazy": more < 2 * MIB,
    }


def at_touched(seen):
    more = sizes()[1] - seen["memory.allocated.rss"]
    return {"memory.touch.rss": more, "memory.touch.ten": ten(more)}


def at_dropped(seen):
    return {"memory.dropped.rss": sizes()[1]}


# Advice of the kind "these pages may go"; whether huge ones are wanted does not count.
def advised(seen):
    advice = Dword(Reg("rsp") + 16)
    before = seen.get("memory.advised", [])
    return {"memory.advised": before if advice in [HUGE, NOHUGE] + before else before + [advice]}


def at_released(seen):
    now = sizes()[1]
    fell = seen["memory.dropped.rss"] - now
    return {
        "memory.advice": seen.get("memory.advised", []),
        "memory.released.rss": now,
        "memory.released.faults": faults(),
        "memory.release.rss": fell,
        "memory.release.kept": fell < 2 * MIB,
        "memory.release.ten": ten(fell),
        "memory.idle": some("runtime.forcegc.idle") != 0,
    }


# A fault brings a page of 4 KiB, or one of 2 MiB at most.
def at_again(seen):
    more, took = sizes()[1] - seen["memory.released.rss"], faults() - seen["memory.released.faults"]
    return {
        "memory.again.rss": more,
        "memory.again.faults": took,
        "memory.again.ten": ten(more),
        "memory.again.faulted": ten(more) and took * 2 * MIB >= more,
    }


# The receiver is a span, since Go 1.17 a word that points to one.
def at_sweep(seen):
    span = Word(Reg("rax")) if Minor() >= 17 else Word(Reg("rsp") + 8)
    start, pages = At("runtime.mspan", span, "startAddr"), At("runtime.mspan", span, "npages")
    return {"memory.sweep.span": start > 0 and start % 8192 == 0 and pages > 0}


def at_drain(seen):
    return {"memory.mark.barrier": Var("runtime.gcphase") == 1 and Var("runtime.writeBarrier.enabled")}


stops = {
    "exec": at_exec,
    "main.main, any thread": at_main,
    "main.started, any thread": at_started,
    "main.allocated, any thread": at_allocated,
    "main.touched, any thread": at_touched,
    "main.dropped, any thread": at_dropped,
    "runtime.gcDrain, any thread": at_drain,
    "runtime.(*mspan).sweep, any thread": at_sweep,
    "runtime.(*sweepLocked).sweep, any thread": at_sweep,
    "runtime.sysUnused: CALL runtime.madvise, any thread": advised,
    "runtime.sysUnused: CALL runtime.madvise #2, any thread": advised,
    "runtime.sysUnused: CALL runtime.madvise #3, any thread": advised,
    "runtime.sysUnused: CALL runtime.madvise #4, any thread": advised,
    "runtime.sysUnused: CALL runtime.madvise #5, any thread": advised,
    "runtime.sysUnusedOS: CALL runtime.madvise, any thread": advised,
    "runtime.sysUnusedOS: CALL runtime.madvise #2, any thread": advised,
    "runtime.sysUnusedOS: CALL runtime.madvise #3, any thread": advised,
    "runtime.sysUnusedOS: CALL runtime.madvise #4, any thread": advised,
    "runtime.sysUnusedOS: CALL runtime.madvise #5, any thread": advised,
    "main.released, any thread": at_released,
    "main.again, any thread": at_again,
}

if __name__ == "__main__":
    Walk([stops])
