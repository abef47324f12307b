# Where sysmon begins: thread, m, stack and P.
#
# A short program may be over before sysmon's thread has begun; ask one that
# cannot end without sysmon.


def at_sysmon(seen):
    m = At("runtime.g", G(), "m")
    fn = At("runtime.m", m, "mstartfn")
    return {
        "sysmon.mstartfn": Symbol(Word(fn)) if fn != 0 else None,
        "sysmon.main_thread": Tid() == Pid(),
        "sysmon.m": At("runtime.m", m, "id"),
        "sysmon.on_g0": G() == At("runtime.m", m, "g0"),
        "sysmon.has_p": At("runtime.m", m, "p") != 0,
    }


stops = {"runtime.sysmon, any thread": at_sysmon}


if __name__ == "__main__":
    Walk([stops])
