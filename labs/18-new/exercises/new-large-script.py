def look(seen):
    return {"new.big.size": Reg("rbx")}

stops = {"runtime.(*mcache).allocLarge, any thread": look}
