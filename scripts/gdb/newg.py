# What newproc calls on its way, in a build in which nothing is inlined.

CALLERS = ["runtime.newproc1", "runtime.newproc.func1"]


# The runtime asks by the function's name when it looks for the beginning of one.
def at_system(seen):
    rule = Calls("runtime.isSystemGoroutine")
    return {
        "newg.system.prefix": len([c for c in rule if c.lower().endswith("hasprefix")]) > 0,
        "newg.wakep.callers": [f for f in CALLERS if "runtime.wakep" in Calls(f)],
        "newg.locking": [c for c in Calls("runtime.newproc1") if c in ["runtime.acquirem", "runtime.releasem"]],
    }


def at_wakep(seen):
    return {"newg.wakep.before": seen.get("newg.wakep.before", True)}


def before_mstart(seen):
    return {"newg.wakep.before": seen.get("newg.wakep.before", False)}

stops = {
    "runtime.isSystemGoroutine": at_system,
    "runtime.rt0_go: CALL runtime.mstart": before_mstart,
    "runtime.wakep": at_wakep,
}


if __name__ == "__main__":
    Walk([stops])
