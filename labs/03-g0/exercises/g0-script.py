def look(seen):
    return {"g0.stack.size": Var("runtime.g0.stack.hi") - Var("runtime.g0.stack.lo")}

stops = {"runtime.rt0_go: CPUID": look}
