def look(seen):
    hi = Var("runtime.allgs[0].stack.hi")
    return {
        "newproc.goid": Var("runtime.allgs[0].goid"),
        "newproc.stack.size": hi - Var("runtime.allgs[0].stack.lo"),
        "newproc.sched.depth": hi - Var("runtime.allgs[0].sched.sp"),
    }

stops = {"runtime.rt0_go: CALL runtime.mstart": look}
