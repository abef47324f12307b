# What rt0_go calls, in which order, and how the program ends.
#
# Order is seen, not read: every function of the chain adds its name when the
# main thread enters its body for the first time.


# [address, instruction] with the target of a call as its name.
def calls(code):
    found = []
    for addr, text in code:
        if text.startswith("call "):
            to = text[len("call "):]
            found.append([Symbol(int(to, 16)) or to, int(to, 16)] if to.startswith("0x") else [to, None])
    return found


# The names of calls that do not go to the body of that name.
def wrapped(code):
    return [name for name, to in calls(code) if to is not None and Addr(name) != to]


def named(text):
    verb, _, to = text.partition(" ")
    if verb == "call" and to.startswith("0x"):
        return "call " + (Symbol(int(to, 16)) or to)
    return text


def behind(code, call):
    for i in range(len(code) - 1):
        if named(code[i][1]) == "call " + call:
            return named(code[i + 1][1])
    return None


# The functions whose address is taken behind the call of mstart: [index in code, name].
def kept(code):
    found, ended = [], False
    for i in range(len(code)):
        text = code[i][1]
        if named(text) == "call runtime.mstart":
            ended = True
        elif ended and text.startswith("lea ") and text.endswith("]") and ",[0x" in text:
            to = int(text.partition(",[")[2][:-1], 16)
            name = Symbol(to)
            if name is not None and Addr(name) == to:
                found.append([i, name])
    return found


# Whether code[i] can be executed: the instruction before lets through, or somebody jumps there.
def reachable(code, i):
    if code[i - 1][1] != "ret":
        return True
    here = "0x%x" % code[i][0]
    return len([1 for addr, text in code if text.startswith("j") and text.endswith(" " + here)]) > 0


def body(function):
    code = Disasm(function)
    if code is None:
        return None
    # Padding is INT3, too; abort's own comes first.
    found = []
    for addr, text in code:
        found.append(text.partition(" ")[0])
        if found[-1] == "jmp":
            break
    return found


def at_rt0_go(seen):
    code = Disasm("runtime.rt0_go")
    tail = kept(code)
    return {
        "chain.calls": [name for name, to in calls(code)],
        "chain.wrapped": wrapped(code),
        "chain.after_mstart": behind(code, "runtime.mstart"),
        "chain.kept": [name for i, name in tail],
        "chain.kept.reachable": reachable(code, tail[0][0]) if tail else None,
        "chain.abort.code": body("runtime.abort"),
    }


def entered(seen, name):
    return seen.get("chain.order", []) + [name]


# The function above this one on the stack.
def caller():
    frames = Frames()
    return frames[1] if len(frames) > 1 else None


def at_settls(seen):
    return {"chain.order": entered(seen, "runtime.settls")}


def at_check(seen):
    return {"chain.order": entered(seen, "runtime.check")}


def at_args(seen):
    return {"chain.order": entered(seen, "runtime.args")}


def at_osinit(seen):
    return {"chain.order": entered(seen, "runtime.osinit")}


def at_schedinit(seen):
    return {"chain.order": entered(seen, "runtime.schedinit"), "chain.caller.schedinit": caller()}


def at_newproc(seen):
    return {"chain.order": entered(seen, "runtime.newproc"), "chain.caller.newproc": caller()}


def at_mstart(seen):
    return {"chain.order": entered(seen, "runtime.mstart")}


def before_mstart(seen):
    return {
        "chain.mstart.main_thread": Tid() == Pid(),
        "chain.mstart.tid": Tid(),
        "chain.mstart.procid": Var("runtime.m0.procid"),
        "chain.mstart.threads": len(Threads()),
        "chain.within_mstart": [],
    }


def after_mstart(seen):
    return {"chain.mstart.returned": True}


def at_runtime_main(seen):
    return {
        "chain.mstart.added": len(Threads()) - seen["chain.mstart.threads"],
        "chain.mstart.same_thread": Tid() == seen["chain.mstart.tid"],
    }


# Before mstart is called nothing is noted.
def within(seen, what):
    noted = seen.get("chain.within_mstart")
    return {} if noted is None else {"chain.within_mstart": noted + [what]}


def at_main(seen):
    return within(seen, "main.main")


# The text a call of write has: its arguments are on the stack, as assembly wants them.
def at_write(seen):
    sp = Reg("rsp")
    start, length = Word(sp + 16), Dword(sp + 24)
    text = "".join([chr(Byte(start + i)) for i in range(length)])
    return within(seen, "write " + text.strip())


def at_old_write(seen):
    # Where there is a write1, write is a function of Go around it.
    return at_write(seen) if Addr("runtime.write1") is None else {}


def at_abort(seen):
    return {"chain.end": "runtime.abort"}


def at_exit(seen):
    facts = within(seen, "runtime.exit")
    callers = [f for f in Frames() if f != "runtime.exit"]
    facts.update({
        "chain.end": seen.get("chain.end", "runtime.exit"),
        "chain.mstart.returned": seen.get("chain.mstart.returned", False),
        "chain.exit.code": Dword(Reg("rsp") + 8),
        "chain.exit.caller": callers[0] if callers else None,
    })
    return facts


stops = {
    "runtime.rt0_go": at_rt0_go,
    "runtime.settls": at_settls,
    "runtime.check": at_check,
    "runtime.args": at_args,
    "runtime.osinit": at_osinit,
    "runtime.schedinit": at_schedinit,
    "runtime.newproc": at_newproc,
    "runtime.rt0_go: CALL runtime.mstart": before_mstart,
    "runtime.mstart": at_mstart,
    "runtime.rt0_go: after CALL runtime.mstart": after_mstart,
    "runtime.main, any thread": at_runtime_main,
    "main.main, any thread": at_main,
    "runtime.write1, any thread": at_write,
    "runtime.write, any thread": at_old_write,
    "runtime.abort, any thread": at_abort,
    "runtime.exit, any thread": at_exit,
}

if __name__ == "__main__":
    Walk([stops])
