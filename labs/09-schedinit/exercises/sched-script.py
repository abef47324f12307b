def look(seen):
    return {
        "sched.m0.id": Var("runtime.m0.id"),
        "sched.mnext": Var("runtime.sched.mnext"),
        "sched.gsignal.size": Var("runtime.m0.gsignal.stack.hi") - Var("runtime.m0.gsignal.stack.lo"),
    }

stops = {"runtime.mcommoninit return": look}
