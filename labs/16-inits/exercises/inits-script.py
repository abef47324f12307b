def look(seen):
    g = Word(Reg("fs_base") - 8)
    return {
        "inits.goid_1": At("runtime.g", g, "goid") == 1,
        "inits.locked": [At("runtime.g", g, "m.lockedInt")],
    }

stops = {"main.init.0, any thread": look}
