# What mstart1 does on m0 and on the others, in a build in which nothing is inlined.

STEPS = ["runtime.save", "runtime.asminit", "runtime.minit", "runtime.mstartm0", "runtime.acquirep", "runtime.schedule"]


def instructions(function):
    found = []
    for _, text in Disasm(function):
        found.append(text)
        if text == "ret":
            break
    return found


# How many signals the process has a handler for.
def caught():
    for line in Proc("status").splitlines():
        if line.startswith("SigCgt:"):
            mask = int(line.split("\t")[1], 16)
            return len([i for i in range(64) if (mask >> i) & 1])
    return None


def at_mstart1(seen):
    calls = Calls("runtime.mstart1")
    return {
        "minit.steps": [c for c in calls if c in STEPS],
        "minit.saves": "runtime.save" in calls,
        "minit.asminit": instructions("runtime.asminit"),
        "minit.calls": [c for c in Calls("runtime.minit") if not c.startswith("runtime.morestack")],
        "minit.has_p": Var("runtime.m0.p") != 0,
        "minit.nextp": Var("runtime.m0.nextp"),
        "minit.order": ["mstart1"],
    }


def passed(seen, name):
    return {"minit.order": seen.get("minit.order", []) + [name]}


def at_asminit(seen):
    return passed(seen, "asminit")


def at_minit(seen):
    return passed(seen, "minit")


def at_mstartm0(seen):
    facts = passed(seen, "mstartm0")
    facts["minit.caught.before"] = caught()
    return facts


def after_mstartm0(seen):
    return {"minit.caught.after": caught()}


def at_schedule(seen):
    facts = passed(seen, "schedule")
    facts["minit.acquirep.m0"] = seen.get("minit.acquirep.m0", False)
    return facts


def at_acquirep(seen):
    return {"minit.acquirep.m0": True}


def at_other(seen):
    return {"minit.acquirep.other": Tid() != Pid()}


def again(seen):
    return {"minit.mstartm0.again": True}


def at_exit(seen):
    return {"minit.mstartm0.again": seen.get("minit.mstartm0.again", False)}

stops = {
    "runtime.mstart1": at_mstart1,
    "runtime.asminit": at_asminit,
    "runtime.minit": at_minit,
    "runtime.mstartm0": at_mstartm0,
    "runtime.mstartm0 #2, any thread": again,
    "runtime.mstart1: after CALL runtime.mstartm0": after_mstartm0,
    "runtime.mstart1: CALL runtime.acquirep": at_acquirep,
    "runtime.mstart1: CALL runtime.acquirep, any thread": at_other,
    "runtime.schedule": at_schedule,
    "runtime.exit, any thread": at_exit,
}


if __name__ == "__main__":
    Walk([stops])
