def look(seen):
    n = Len("runtime.allp")
    return {"procs.len": n, "procs.status": [Var("runtime.allp[%d].status" % i) for i in range(n)]}

stops = {"runtime.newproc": look}
