# What is there when main.main begins.


def at_exec(seen):
    return {"start.schedinit.checks_fds": "runtime.checkfds" in Calls("runtime.schedinit")}


def at_return(seen):
    return {"start.gc.enabled_by_schedinit": Var("runtime.memstats.enablegc")}


def at_main(seen):
    classes = Len("runtime.class_to_size")
    return {
        "start.classes": Len("internal/runtime/gc.SizeClassToSize") if classes is None else classes,
        "start.gc.enabled": Var("runtime.memstats.enablegc"),
        "start.main.called": Frames()[1] == "runtime.main",
        "start.main.own_goroutine": "runtime.main" not in Frames(),
        "start.rt0_go.file": Line(Addr("runtime.rt0_go"))[0],
    }


stops = {"exec": at_exec, "runtime.schedinit return": at_return, "main.main": at_main}

if __name__ == "__main__":
    Walk([stops])
