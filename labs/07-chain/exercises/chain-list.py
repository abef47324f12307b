def note(name):
    return lambda seen: {"chain.order": seen.get("chain.order", []) + [name]}

NAMES = ["settls", "check", "args", "osinit", "schedinit", "newproc", "mstart"]

stops = {"runtime." + name: note("runtime." + name) for name in NAMES}
