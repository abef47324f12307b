def look(seen):
    return {
        "tls.magic.number": Word(Reg("fs_base") - 8),
        "tls.magic.m0_tls0": Var("runtime.m0.tls[0]"),
    }

stops = {"runtime.rt0_go: CMPQ": look}
