def look(seen):
    found = []
    if Var("runtime.m0.g0") == Addr("runtime.g0"):
        found.append("m0.g0")
    if Var("runtime.g0.m") == Addr("runtime.m0"):
        found.append("g0.m")
    return {
        "m0.slot.is_g0": Word(Reg("fs_base") - 8) == Addr("runtime.g0"),
        "m0.links.at_check": found,
    }

stops = {"runtime.rt0_go: CALL runtime.check": look}
