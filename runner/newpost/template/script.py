# What gdb reads: the same table, with the words of rt0lab's scripts/gdb/shim.py.


def at_schedinit(seen):
    return {"{{.Name}}.g0.size": Var("runtime.g0.stack.hi") - Var("runtime.g0.stack.lo")}


def at_main(seen):
    return {"{{.Name}}.answer": Var("main.answer")}


stops = {
    "runtime.schedinit": at_schedinit,
    "main.main": at_main,
}

if __name__ == "__main__":
    Walk([stops])  # so that it runs in a stock gdb, too
