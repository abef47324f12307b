def arrived(seen):
    return {"rt0.go.entry_sp": Reg("rsp")}

def lowered(seen):
    return {"rt0.go.sub": seen["rt0.go.entry_sp"] - Reg("rsp")}

def rounded(seen):
    return {"rt0.go.drop": seen["rt0.go.entry_sp"] - Reg("rsp")}

stops = {
    "runtime.rt0_go": arrived,
    "runtime.rt0_go: after SUBQ": lowered,
    "runtime.rt0_go: after ANDQ": rounded,
}
