# The first goroutine: what newproc is given, how the g is made, where it is queued.
#
# Everything up to the call of mstart runs on the main thread and on g0's stack;
# the goroutine that is made is the first of runtime.allgs.

WORD = 8
CALL = 5  # bytes of the instruction
MAIN = "runtime.main"


# The function that begins at addr.
def entry(addr):
    name = Symbol(addr)
    return name if name is not None and Addr(name) == addr else None


# What a word on the stack is, in words that do not move.
def named(word):
    if word == 0:
        return "0"
    if entry(word) is not None:
        return entry(word)
    # A func value is a pointer to a word that holds the entry of the code.
    if [m for m in Maps() if m[0] <= word and word + WORD <= m[1] and "r" in m[2]] and entry(Word(word)) is not None:
        return "&" + entry(Word(word))
    return "another"


# [what is loaded, what is pushed …, the call, the pops] around the call of newproc in rt0_go.
def around():
    code = Disasm("runtime.rt0_go")
    for i in range(len(code)):
        to = code[i][1].partition("call ")[2]
        if not to.startswith("0x") or Symbol(int(to, 16)) != "runtime.newproc":
            continue
        first, last = i, i + 1
        while code[first - 1][1].startswith("push "):
            first -= 1
        while code[last][1].startswith("pop "):
            last += 1
        loaded, _, value = code[first - 1][1].partition(",[")
        value = "&" + (entry(Word(int(value[:-1], 16))) or "another")
        pushes = [text for _, text in code[first:i]]
        pops = [text for _, text in code[i + 1:last]]
        return [loaded + "," + value] + pushes + ["call runtime.newproc"] + pops
    return None


# The first goroutine's field.
def field(path):
    return Var("runtime.allgs[0]." + path)


# Go functions take their arguments in registers since 1.17.
def registers():
    return Minor() >= 17


def arguments():
    if registers():
        return [Reg("rax"), Reg("rbx"), Reg("rcx")]
    sp = Reg("rsp") + WORD
    return [Word(sp), Word(sp + WORD), Word(sp + 2 * WORD)]


def status(g):
    return Dword(g + Offset("runtime.g", "atomicstatus"))


def caller():
    frames = Frames()
    return frames[1] if len(frames) > 1 else None


# Nothing is left on the stack between here and the pushes.
def after_osinit(seen):
    return {"newproc.sp.before": Reg("rsp")}


def at_call(seen):
    there, rax = Reg("rsp"), Reg("rax")
    pushed = []
    while there < seen["newproc.sp.before"]:
        pushed.append(named(Word(there)))
        there += WORD
    return {
        "newproc.call.return": Reg("rip") + CALL,
        "newproc.pushed": pushed,
        "newproc.rax": named(rax),
        "newproc.rax.word": entry(Word(rax)),
        "newproc.code": around(),
    }


def passed(seen, name):
    return {"newproc.order": seen.get("newproc.order", []) + [name]}


def noted(seen, what):
    return {"newproc.status": seen.get("newproc.status", []) + [what]}


# m0.locks, added to what was noted before.
def locks(seen):
    return {"newproc.locks": seen.get("newproc.locks", []) + [Var("runtime.m0.locks")]}


def at_newproc1(seen):
    return locks(seen)


def at_gfget(seen):
    facts = passed(seen, "gfget")
    facts.update(locks(seen))
    return facts


# A result stands in the register of the first argument, or behind the argument on the stack.
def after_gfget(seen):
    return {"newproc.gfget.empty": (Reg("rax") if registers() else Word(Reg("rsp") + WORD)) == 0}


def at_malg(seen):
    facts = passed(seen, "malg")
    facts["newproc.malg.size"] = Reg("eax") if registers() else Dword(Reg("rsp"))
    return facts


def at_stackalloc(seen):
    frames = Frames()
    if "runtime.newproc1" not in frames or "newproc.frames" in seen:
        return {}
    end = [i for i in range(len(frames)) if frames[i] == "runtime.rt0_go"]
    return {"newproc.frames": frames[:end[0] + 1] if end else frames}


def at_casgstatus(seen):
    if registers():
        old, new = Reg("ebx"), Reg("ecx")
    else:
        old, new = Dword(Reg("rsp") + 2 * WORD), Dword(Reg("rsp") + 2 * WORD + 4)
    return noted(seen, "casgstatus %d %d" % (old, new))


def at_allgadd(seen):
    facts = passed(seen, "allgadd")
    facts.update(noted(seen, "allgadd %d" % status(arguments()[0])))
    return facts


def put(seen):
    return {"newproc.next": seen.get("newproc.next", []) + [arguments()[2] & 0xff == 1]}


def at_runqput(seen):
    facts = passed(seen, "runqput")
    facts.update(noted(seen, "runqput %d" % status(arguments()[1])))
    facts.update(put(seen))
    facts["newproc.runqput.caller"] = caller()
    facts["newproc.thread"] = Tid() == Pid() and At("runtime.g", G(), "m") == Addr("runtime.m0")
    return facts


def at_later_runqput(seen):
    return put(seen)


def queued():
    old = Var("runtime.sched.runqsize")
    return Var("runtime.sched.runq.size") if old is None else old


def before_mstart(seen):
    made, sp = Var("runtime.allgs[0]"), field("sched.sp")
    back = Word(sp)
    facts = {
        "newproc.sp.restored": Reg("rsp") == seen["newproc.sp.before"],
        "newproc.stack.size": field("stack.hi") - field("stack.lo"),
        "newproc.startpc": entry(field("startpc")),
        "newproc.goid": field("goid"),
        "newproc.sched.pc": entry(field("sched.pc")),
        "newproc.sched.depth": field("stack.hi") - sp,
        "newproc.sched.word": "%s+%d" % (Symbol(back), back - Addr(Symbol(back))) if Symbol(back) else None,
        "newproc.gopc.in": Symbol(field("gopc")),
        "newproc.gopc.is_return": field("gopc") == seen["newproc.call.return"] if "newproc.call.return" in seen else None,
        "newproc.runnext.is_new": Var("runtime.allp[0].runnext") == made,
        "newproc.runnext.type": TypeOf("runtime.allp[0].runnext"),
        "newproc.runnext.variable": Addr("runtime.runnext"),
        "newproc.queues": [Var("runtime.allp[0].runqtail") - Var("runtime.allp[0].runqhead"), queued()],
        "newproc.main_started": Var("runtime.mainStarted"),
        "newproc.tracking.fields": [f for f in ["trackingSeq", "tracking"] if Offset("runtime.g", f) is not None],
        "newproc.tracking.by_seq": None,
    }
    if Offset("runtime.g", "trackingSeq") is not None:
        facts["newproc.tracking.by_seq"] = field("tracking") == (field("trackingSeq") % 8 == 0)
    facts.update(locks(seen))
    return facts


def at_runtime_main(seen):
    back = Word(Reg("rsp"))
    return {
        "newproc.main.back": "%s+%d" % (Symbol(back), back - Addr(Symbol(back))) if Symbol(back) else None,
        "newproc.goexit.calls": Calls("runtime.goexit"),
        "newproc.main.goid": Var("runtime.m0.curg.goid"),
    }


# Those whose function is the runtime's, but for runtime.main itself.
def at_main(seen):
    starts = [Symbol(Var("runtime.allgs[%d].startpc" % i)) for i in range(Len("runtime.allgs"))]
    # A number up to 1.19, since then an atomic.Int32.
    plain = TypeOf("runtime.sched.ngsys") == "uint32"
    count = Var("runtime.sched.ngsys" if plain else "runtime.sched.ngsys.value")
    return {
        "newproc.main.frames": Frames(),
        "newproc.system.count": count,
        "newproc.system.by_rule": count == len([s for s in starts if s.startswith("runtime.") and s != MAIN]),
    }

stops = {
    "runtime.rt0_go: after CALL runtime.osinit": after_osinit,
    "runtime.rt0_go: CALL runtime.newproc": at_call,
    "runtime.newproc1": at_newproc1,
    "runtime.gfget": at_gfget,
    "runtime.newproc1: after CALL runtime.gfget": after_gfget,
    "runtime.newproc1: CALL runtime.malg": at_malg,
    "runtime.stackalloc #2": at_stackalloc,
    "runtime.stackalloc #3": at_stackalloc,
    "runtime.casgstatus": at_casgstatus,
    "runtime.casgstatus #2": at_casgstatus,
    "runtime.allgadd": at_allgadd,
    "runtime.runqput": at_runqput,
    "runtime.runqput #2, any thread": at_later_runqput,
    "runtime.runqput #3, any thread": at_later_runqput,
    "runtime.rt0_go: CALL runtime.mstart": before_mstart,
    "runtime.main, any thread": at_runtime_main,
    "main.main, any thread": at_main,
}


if __name__ == "__main__":
    Walk([stops])
