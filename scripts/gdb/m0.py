# How g0 and m0 get to know each other, and who runs at that moment.
#
# The binding is done between settls and check. The call of check is the first
# place behind it that every build passes; with cgo settls is jumped over.

NAMES = ["runtime.g0", "runtime.m0"]

DIRECTION = 10  # the number of the flag's bit in rflags


def direction():
    return (Reg("rflags") >> DIRECTION) & 1


# How far the slot of the current g is from fs_base, as rt0_go's own code says it.
def slot():
    for addr, text in Disasm("runtime.rt0_go"):
        if text.startswith("mov fs:0x"):
            # The offset is a negative one, written unsigned.
            return (Reg("fs_base") + int(text[len("mov fs:"):].partition(",")[0], 16)) % (1 << 64)
    raise ValueError("rt0_go has no store through fs")


def links():
    found = []
    if Var("runtime.m0.g0") == Addr("runtime.g0"):
        found.append("m0.g0")
    if Var("runtime.g0.m") == Addr("runtime.m0"):
        found.append("g0.m")
    return found


def at_exec(seen):
    return {"m0.df.at_exec": direction()}


def at_entry(seen):
    there = []
    for name in NAMES:
        a = Addr(name)
        if a is not None and [m for m in Maps() if m[0] <= a and a < m[1]]:
            there.append(name)
    words = 0
    for name, type in [("runtime.g0", "runtime.g"), ("runtime.m0", "runtime.m")]:
        start = Addr(name)
        words += len([i for i in range(0, Size(type) // 8 * 8, 8) if Word(start + i) != 0])
    return {"m0.there.at_entry": there, "m0.words_set.at_entry": words}


def at_settls(seen):
    return {"m0.links.at_settls": links()}


# At every instruction from the call of settls on. The stores are behind it, so
# whatever is new has been stored by the instruction before.
def at_binding(seen):
    filled = seen.get("m0.filled", [])
    now = links()
    base = Reg("fs_base")
    if base != 0 and Word(slot()) == Addr("runtime.g0"):
        now = ["slot"] + now
    return {"m0.filled": filled + [n for n in now if n not in filled]}


def before(function, instruction):
    last = None
    for addr, text in Disasm(function):
        if text.startswith("call 0x") and Symbol(int(text[len("call "):], 16)) == instruction:
            return last
        last = text
    return None


def at_check(seen):
    at, sp = slot(), Reg("rsp")
    return {
        "m0.links.at_check": links(),
        "m0.slot.is_g0": Word(at) == Addr("runtime.g0"),
        "m0.slot.in_m0": at == Addr("runtime.m0.tls"),
        "m0.sp.in_g0": Var("runtime.g0.stack.lo") < sp and sp <= Var("runtime.g0.stack.hi"),
        "m0.main_thread": Tid() == Pid(),
        "m0.code.before_check": before("runtime.rt0_go", "runtime.check"),
        "m0.df.at_check": direction(),
    }


def at_runtime_main(seen):
    return {"m0.procid.is_main": Var("runtime.m0.procid") == Pid()}


stops = {
    "exec": at_exec,
    "entry": at_entry,
    "runtime.settls": at_settls,
    "runtime.rt0_go: CALL runtime.settls .. runtime.rt0_go: CALL runtime.check": at_binding,
    "runtime.rt0_go: CALL runtime.check": at_check,
    "runtime.main, any thread": at_runtime_main,
}

if __name__ == "__main__":
    Walk([stops])
