STOPS = ["runtime.rt0_go", "runtime.check", "runtime.args", "runtime.osinit", "runtime.schedinit",
         "runtime.newproc", "runtime.mstart", "runtime.main, any thread", "runtime.gcenable", "main.main, any thread"]

def at(stop):
    name = stop.split(",")[0]
    return lambda seen: {"timing.zero.last": name} if Var("runtime.runtimeInitTime") == 0 else {}

stops = {stop: at(stop) for stop in STOPS}
