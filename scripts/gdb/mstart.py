# mstart on m0: g0's bounds and guards, what is saved, and that nothing comes back.

# The function that looks after the stack: mstart itself, until it became assembly.
def body():
    calls = Calls("runtime.mstart")
    return "runtime.mstart" if "runtime.mstart1" in calls else calls[0]


# [address, instruction] with call targets as names.
def code(function):
    found = []
    for addr, text in Disasm(function):
        if text.startswith("call 0x"):
            text = "call " + (Symbol(int(text[len("call "):], 16)) or "?")
        found.append([addr, text])
    return found


# The number at the end of the first instruction that begins and ends so.
def number(lines, start):
    for _, text in lines:
        if text.startswith(start) and ",0x" in text:
            return int(text.split(",")[-1], 16)
    return None


# Whether mexit is always told that the system has made the stack.
def always(lines):
    at = [i for i in range(len(lines)) if lines[i][1] == "call runtime.mexit"][0]
    told = [text for _, text in lines[at - 3:at] if text in ["mov eax,0x1", "mov [rsp],0x1"]]
    return len(told) > 0


def in_code():
    lines = code(body())
    asked = [i for i in range(len(lines)) if lines[i][1] == "call runtime.mstart1"][0]
    # Above the call: the size that is taken when there is none, the room that is left at the end.
    above = lines[:asked]
    return {
        "mstart.calls": Calls("runtime.mstart"),
        "mstart.file": Line(Addr("runtime.mstart"))[0],
        "mstart.clears_bp": code("runtime.mstart")[0][1] in ["mov rbp,0x0", "mov ebp,0x0", "xor ebp,ebp"],
        "mstart.default_size": number(above, "mov ["),
        "mstart.slack": number(above, "add r"),
        "mstart.system_stack": always(lines),
    }


def bounds():
    return [Var("runtime.g0.stack.lo"), Var("runtime.g0.stack.hi")]


def before(seen):
    lo, hi = bounds()
    facts = in_code()
    facts.update({
        "mstart.g0.lo": lo,
        "mstart.g0.hi": hi,
        "mstart.g0.has_stack": lo != 0,
        "mstart.guard.before": Var("runtime.g0.stackguard0") - lo,
    })
    return facts


def passed(seen, name):
    return {"mstart.order": seen.get("mstart.order", []) + [name]}


def at_mstart(seen):
    return passed(seen, "mstart")


def at_mstart0(seen):
    return passed(seen, "mstart0")


def at_mstart1(seen):
    lo, hi = bounds()
    g = G()
    facts = passed(seen, "mstart1")
    facts.update({
        "mstart.g0.kept": [lo, hi] == [seen["mstart.g0.lo"], seen["mstart.g0.hi"]],
        "mstart.guard": Var("runtime.g0.stackguard0") - lo,
        "mstart.guard1": Var("runtime.g0.stackguard1") - lo,
        "mstart.on_g0": g == At("runtime.g", g, "m.g0"),
        "mstart.sp": Reg("rsp"),
        "mstart.fn": Var("runtime.m0.mstartfn"),
    })
    return facts


# What mstart1 has written down for those who leave g0's work behind.
def at_schedule(seen):
    pc = Var("runtime.g0.sched.pc")
    lines = code(body())
    facts = passed(seen, "schedule")
    facts.update({
        "mstart.sched.in": Symbol(pc),
        "mstart.sched.is_return": len([1 for i in range(1, len(lines)) if lines[i][0] == pc and lines[i - 1][1] == "call runtime.mstart1"]) > 0,
        "mstart.sched.above": Var("runtime.g0.sched.sp") - seen["mstart.sp"] if "mstart.sp" in seen else None,
        "mstart.sched.g": Var("runtime.g0.sched.g") == Addr("runtime.g0"),
    })
    return facts


def after_schedule(seen):
    return {"mstart.returned": True}


def at_exit(seen):
    callers = [f for f in Frames() if f != "runtime.exit"]
    return {
        "mstart.returned": seen.get("mstart.returned", False),
        "mstart.exit.caller": callers[0] if callers else None,
    }

stops = {
    "runtime.rt0_go: CALL runtime.mstart": before,
    "runtime.mstart": at_mstart,
    "runtime.mstart0": at_mstart0,
    "runtime.mstart1": at_mstart1,
    "runtime.schedule": at_schedule,
    "runtime.mstart1: after CALL runtime.schedule, any thread": after_schedule,
    "runtime.exit, any thread": at_exit,
}


if __name__ == "__main__":
    Walk([stops])
