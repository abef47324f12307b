def before(seen):
    return {"osinit.page.before_args": Var("runtime.physPageSize")}

def at_osinit(seen):
    return {"osinit.page.at_osinit": Var("runtime.physPageSize")}

def after(seen):
    return {"osinit.page.after_osinit": Var("runtime.physPageSize")}

stops = {
    "runtime.rt0_go: CALL runtime.args": before,
    "runtime.osinit": at_osinit,
    "runtime.rt0_go: CALL runtime.schedinit": after,
}
