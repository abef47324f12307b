# A thread whose stack the C library has made: only its size is known when mstart begins.


# Where the current g is kept, as rt0_go's own code says it.
def slot():
    for _, text in Disasm("runtime.rt0_go"):
        if text.startswith("mov fs:0x"):
            return (Reg("fs_base") + int(text[len("mov fs:"):].partition(",")[0], 16)) % (1 << 64)
    raise ValueError("rt0_go has no store through fs")


def bounds():
    g = Word(slot())
    return [At("runtime.g", g, "stack.lo"), At("runtime.g", g, "stack.hi")]


# The second thread that comes here; the first is the main thread, in rt0_go.
def at_begin(seen):
    lo, hi = bounds()
    return {"osstack.lo": lo, "osstack.size": hi, "osstack.other": Tid() != Pid()}


# mstart is assembly where there is a mstart0, and has not done anything yet.
def at_mstart(seen):
    return at_begin(seen) if Addr("runtime.mstart0") is None else {}


def at_mstart1(seen):
    lo, hi = bounds()
    return {
        "osstack.filled": lo != 0,
        "osstack.slack": seen["osstack.size"] - (hi - lo),
        "osstack.sp_inside": lo < Reg("rsp") and Reg("rsp") < hi,
    }

stops = {
    "runtime.mstart #2, any thread": at_mstart,
    "runtime.mstart0 #2, any thread": at_begin,
    "runtime.mstart1 #2, any thread": at_mstart1,
}


if __name__ == "__main__":
    Walk([stops])
