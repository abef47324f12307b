def look(seen):
    return {"stack.pool.len": Len("runtime.stackpool"), "stack.large.len": Len("runtime.stackLarge.free")}

stops = {"exec": look}
