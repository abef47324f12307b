# Which init function runs when, on which goroutine and thread, and what the
# compiler left behind so that somebody calls it.
#
# Order is seen, not read: every init function adds its name when it is entered.

HOME = "rt0lab.test/inits/"
MAIN = ["main.init.0", "main.init.1", "main.init.2"]
ALL = ["os.init.0", "deep.init.0", "lib.init.0", "zebra.init.0", "apple.init.0"] + MAIN


def short(name):
    return name[len(HOME):] if name.startswith(HOME) else name


# The functions F.0, F.1 … there are: their numbers and their files, "0 proc.go".
def numbered(function):
    found = []
    for n in range(12):
        addr = Addr("%s.%d" % (function, n))
        line = None if addr is None else Line(addr)
        if line is not None:
            found.append("%d %s" % (n, line[0]))
    return found


# What is stored into main.initdone. last; up to Go 1.12.
def stored_last():
    found = None
    for _, text in Disasm("main.init") or []:
        if text.startswith("mov [0x"):
            found = int(text.split(",")[1], 16)
    return found


def at_exec(seen):
    calls = Calls("main.init")
    return {
        "inits.code.calls": None if calls is None else [short(name) for name in calls],
        "inits.code.initdone": stored_last(),
        "inits.names": ["main.init." + text.split(" ")[0] for text in numbered("main.init")],
        "inits.files": [text.split(" ")[1] for text in numbered("main.init")][:3],
        "inits.runtime": numbered("runtime.init"),
        "inits.runtime.init": True if Has("runtime.init") else None,
    }


def among(list, value):
    return list if value in list else list + [value]


# An init function is entered.
def entered(seen, name):
    g = G()
    goid = At("runtime.g", g, "goid")
    return {
        "inits.order": seen.get("inits.order", []) + [name],
        "inits.goids": among(seen.get("inits.goids", []), goid),
        "inits.goid_1": seen.get("inits.goid_1", True) and goid == 1,
        "inits.locked": among(seen.get("inits.locked", []), At("runtime.g", g, "m.lockedInt")),
        "inits.main_thread": seen.get("inits.main_thread", True) and Tid() == Pid(),
    }


def at_os(seen):
    return entered(seen, "os.init.0")


def at_deep(seen):
    return entered(seen, "deep.init.0")


def at_lib(seen):
    return entered(seen, "lib.init.0")


def at_zebra(seen):
    return entered(seen, "zebra.init.0")


def at_apple(seen):
    return entered(seen, "apple.init.0")


def at_main_0(seen):
    return entered(seen, "main.init.0")


def at_main_1(seen):
    return entered(seen, "main.init.1")


def at_main_2(seen):
    return entered(seen, "main.init.2")


def printed(seen, text):
    return {"inits.output": seen.get("inits.output", []) + [text]}


# A string that is about to be printed: on the stack, since Go 1.17 in registers.
def print_string(seen):
    if Minor() >= 17:
        start, length = Reg("rax"), Reg("rbx")
    else:
        start, length = Word(Reg("rsp")), Word(Reg("rsp") + 8)
    return printed(seen, "".join([chr(Byte(start + i)) for i in range(length)]).strip())


def print_int(seen):
    return printed(seen, "%d" % (Reg("rax") if Minor() >= 17 else Word(Reg("rsp"))))


# The address that runtime.main hands to its last call of doInit, Go 1.13 to 1.20.
def main_task():
    last, found = None, None
    for _, text in Disasm("runtime.main"):
        if text.startswith("lea rax,[0x"):
            last = int(text[len("lea rax,["):-1], 16)
        elif text.startswith("call 0x") and Symbol(int(text[len("call "):], 16)) == "runtime.doInit":
            found = last
    return found


def task_state():
    tasks = Len("runtime.firstmoduledata.inittasks")
    if tasks is not None:
        return Var("runtime.firstmoduledata.inittasks[%d].state" % (tasks - 1))
    task = main_task()
    return None if task is None else Dword(task)


# The byte main.initdone.: up to Go 1.12 main.init compares it first.
def initdone():
    for _, text in Disasm("main.init") or []:
        if text.startswith("mov [0x"):
            return Byte(int(text[len("mov ["):].split("]")[0], 16))
    return None


def at_main(seen):
    order = seen.get("inits.order", [])
    done = Var("runtime.main_init_done") or Var("runtime.mainInitDoneChan")
    return {
        "inits.order": order,
        "inits.order.main": [name for name in order if name in MAIN],
        "inits.order.deps": [name for name in order if name in ["deep.init.0", "lib.init.0", "main.init.0"]],
        "inits.order.imports": [name for name in order if name in ["os.init.0", "lib.init.0"]],
        "inits.order.animals": [name for name in order if name in ["zebra.init.0", "apple.init.0"]],
        "inits.missing": [name for name in ALL if name not in order],
        "inits.closed": At("runtime.hchan", done, "closed") != 0,
        "inits.initdone": initdone(),
        "inits.task.state": task_state(),
    }


stops = {
    "exec": at_exec,
    "os.init.0, any thread": at_os,
    "rt0lab.test/inits/deep.init.0, any thread": at_deep,
    "rt0lab.test/inits/lib.init.0, any thread": at_lib,
    "rt0lab.test/inits/lib.init.0: CALL runtime.printstring, any thread": print_string,
    "rt0lab.test/inits/zebra.init.0, any thread": at_zebra,
    "rt0lab.test/inits/apple.init.0, any thread": at_apple,
    "main.init.0, any thread": at_main_0,
    "main.init.0: CALL runtime.printstring, any thread": print_string,
    "main.init.1, any thread": at_main_1,
    "main.init.1: CALL runtime.printstring, any thread": print_string,
    "main.init.2, any thread": at_main_2,
    "main.init.2: CALL runtime.printstring, any thread": print_string,
    "main.main, any thread": at_main,
    "main.test: CALL runtime.printint, any thread": print_int,
}

if __name__ == "__main__":
    Walk([stops])
