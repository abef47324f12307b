def look(seen):
    return {"end.return.offset": Word(Reg("rsp")) - Addr("runtime.goexit")}

stops = {"runtime.main, any thread": look}
