# What happens when a P's queue of goroutines is full.

P = "runtime.allp[0]."


def local():
    return Var(P + "runqtail") - Var(P + "runqhead")


def shared():
    old = Var("runtime.sched.runqsize")
    return Var("runtime.sched.runq.size") if old is None else old


# The newest goroutine has the last id that was taken from the P's store of them.
def at_full(seen):
    next = Var(P + "runnext")
    newest = next != 0 and At("runtime.g", next, "goid") == Var(P + "goidcache") - 1
    return {
        "queue.length": Len(P + "runq"),
        "queue.local.full": local(),
        "queue.shared.full": shared(),
        "queue.runnext.newest": newest,
        "queue.goid": Var("runtime.m0.curg.goid"),
    }


def after(seen):
    return {"queue.local.after": local(), "queue.shared.after": shared()}

stops = {
    "runtime.runqputslow, any thread": at_full,
    "runtime.runqputslow return, any thread": after,
}


if __name__ == "__main__":
    Walk([stops])
