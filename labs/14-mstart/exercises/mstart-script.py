def above(field):
    return Var("runtime.g0." + field) - Var("runtime.g0.stack.lo")

def before(seen):
    return {"mstart.guard.before": above("stackguard0")}

def at_mstart1(seen):
    return {"mstart.guard": above("stackguard0"), "mstart.guard1": above("stackguard1")}

stops = {"runtime.rt0_go: CALL runtime.mstart": before, "runtime.mstart1": at_mstart1}
