def look(seen):
    return {"link.main.code": Code("main")}

stops = {"exec": look}
