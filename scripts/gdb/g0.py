# g0's first stack: what rt0_go makes of the stack the kernel gave.
#
# rt0_go fills g0 before its first CPUID and touches it no more, so the first
# CPUID is the earliest place where all of it can be read, with or without cgo.

KNOWN = ["stack.lo", "stack.hi", "stackguard0", "stackguard1"]


def at_exec(seen):
    return {"g0.entry.sp": Reg("rsp")}


def fields_set(g0):
    names = {Offset("runtime.g", f): f for f in KNOWN}
    return [names.get(i, "+%d" % i) for i in range(0, Size("runtime.g"), 8) if Word(g0 + i) != 0]


def at_cpuid(seen):
    lo, hi = Var("runtime.g0.stack.lo"), Var("runtime.g0.stack.hi")
    inside = [m for m in Maps() if m[3] == "[stack]" and m[0] <= lo and hi <= m[1]]
    return {
        "g0.stack.lo": lo,
        "g0.stack.hi": hi,
        "g0.stack.size": hi - lo,
        "g0.stack.hi_above_sp": hi - Reg("rsp"),
        "g0.guard0.above_lo": Var("runtime.g0.stackguard0") - lo,
        "g0.guard1.above_lo": Var("runtime.g0.stackguard1") - lo,
        "g0.on_os_stack": len(inside) == 1 and hi <= seen["g0.entry.sp"],
        "g0.fields_set": fields_set(Addr("runtime.g0")),
    }


def at_schedinit(seen):
    lo, hi = Var("runtime.g0.stack.lo"), Var("runtime.g0.stack.hi")
    return {
        "g0.guard0.moved": Var("runtime.g0.stackguard0") != seen["g0.stack.lo"] + seen["g0.guard0.above_lo"],
        "g0.stack.is_64k": abs(hi - lo - 64 * 1024) <= 256,
    }


stops = {
    "exec": at_exec,
    "runtime.rt0_go: CPUID": at_cpuid,
    "runtime.schedinit": at_schedinit,
}

if __name__ == "__main__":
    Walk([stops])
