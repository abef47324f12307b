# What the compiler did to the runtime: its flags, and what it inlined into schedinit.

# What schedinit sets up by one function each, and what that is called in some release.
CALLEES = {
    "alginit": ["runtime.alginit", "internal/runtime/maps.AlgInit"],
    "cpuinit": ["runtime.cpuinit"],
    "fastrandinit": ["runtime.fastrandinit"],
    "gcinit": ["runtime.gcinit"],
    "goargs": ["runtime.goargs"],
    "goenvs": ["runtime.goenvs"],
    "itabsinit": ["runtime.itabsinit"],
    "mallocinit": ["runtime.mallocinit"],
    "mcommoninit": ["runtime.mcommoninit"],
    "moduledataverify": ["runtime.moduledataverify"],
    "modulesinit": ["runtime.modulesinit"],
    "parsedebugvars": ["runtime.parsedebugvars", "runtime.parseRuntimeDebugVars"],
    "procresize": ["runtime.procresize"],
    "profstackinit": ["runtime.mProfStackInit"],
    "secure": ["runtime.secure"],
    "sigsave": ["runtime.sigsave", "runtime.msigsave"],
    "stackinit": ["runtime.stackinit"],
    "tracebackinit": ["runtime.tracebackinit"],
    "typelinksinit": ["runtime.typelinksinit"],
}

# Those with a claim of their own.
ALONE = [
    "cpuinit", "fastrandinit", "goenvs", "moduledataverify", "profstackinit",
    "secure", "sigsave", "stackinit", "tracebackinit",
]


# Whether schedinit calls the function; None when the release has no such function.
def called(name, calls):
    there = [n for n in CALLEES[name] if Has(n)]
    return len([n for n in there if n in calls]) > 0 if there else None


def call_facts():
    calls = Calls("runtime.schedinit")
    facts = {name: called(name, calls) for name in CALLEES}
    found = {"compiled.call." + name: facts[name] for name in ALONE}
    found["compiled.uncalled"] = [name for name in CALLEES if facts[name] is False]
    found["compiled.called"] = [name for name in CALLEES if facts[name] is True and name not in ALONE]
    return found


def flags(pkg):
    said = (Producer(pkg) or "").partition(";")[2].split()
    return [f for f in ["-N", "-l"] if f in said]


def at_exec(seen):
    facts = call_facts()
    facts["compiled.flags.main"] = flags("main")
    facts["compiled.flags.runtime"] = flags("runtime")
    return facts


stops = {"exec": at_exec}

if __name__ == "__main__":
    Walk([stops])
