def look(seen):
    return {
        "memory.minimum": Var("runtime.gcController.heapMinimum" if Minor() >= 17 else "runtime.heapminimum"),
        "memory.period": Var("runtime.forcegcperiod"),
    }

stops = {"main.main, any thread": look}
