"""The init function of a plugin that is opened while the program runs: where and when.

The plugin's init function calls a method of the program: so the stop is in the
program, and the return address in the plugin.
"""

def goid():
    return At("runtime.g", G(), "goid")

def happened(seen, what):
    return seen.get("plugin.order", []) + [what]

def at_main(seen):
    return {"plugin.order": happened(seen, "main.main")}

def at_open(seen):
    return {"plugin.opener.goid": goid()}

# The name of the file that is mapped there.
def file_of(addr):
    for lo, hi, _, name in Maps():
        if lo <= addr < hi:
            return name.split("/")[-1]
    return None

def at_init(seen):
    return {
        "plugin.order": happened(seen, "init of the plugin"),
        "plugin.caller": file_of(Word(Reg("rsp"))),
        "plugin.goid_1": goid() == 1,
        "plugin.on_opener": goid() == seen["plugin.opener.goid"],
        "plugin.main_thread": Tid() == Pid(),
        "plugin.locked": At("runtime.g", G(), "m.lockedInt"),
    }

def opened(seen):
    return {"plugin.order": happened(seen, "plugin.Open returns")}

stops = {
    "main.main, any thread": at_main,
    "main.open, any thread": at_open,
    "main.(*hello).Error, any thread": at_init,
    "main.open: after CALL plugin.Open, any thread": opened,
}

if __name__ == "__main__":
    Walk([stops])
