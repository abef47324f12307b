# The end of runtime.main: the lock is given back, main.main is called, and what
# happens between its return and the end of the program.


# --- code of runtime.main, as data ---


def named(text):
    to = text[len("call "):]
    return Symbol(int(to, 16)) or to if to.startswith("0x") else to


# runtime.main's code behind its last call of unlockOSThread, and behind that the place of
# the first call: that of main.main.
def tail(code):
    start = 0
    for i in range(len(code)):
        if code[i][1].startswith("call ") and named(code[i][1]) == "runtime.unlockOSThread":
            start = i + 1
    return code[start:]


def calls_main(rest):
    for i in range(len(rest)):
        if rest[i][1].startswith("call "):
            return i
    return None


# The variables that say whether this is a library, as far as the code before the call of main.main reads them.
def asked(before):
    found = []
    for name in ["runtime.isarchive", "runtime.islibrary"]:
        at = "[0x%x]" % Addr(name)
        if len([1 for _, text in before if at in text]) > 0:
            found.append(name)
    return found


# The number that a register is compared with: how often the loop yields.
def limit(after):
    for _, text in after:
        left, _, right = text.partition(",")
        if left.startswith("cmp r") and right.startswith("0x"):
            return int(right, 16)
    return None


def chars(start, length):
    return "".join([chr(Byte(start + i)) for i in range(length)])


# What gopark is told: the reason, how it is written down, and the event for a trace.
def park(code):
    told = {}
    for _, text in code:
        to, _, source = text.partition(",")
        if text.startswith("call "):
            if named(text) == "runtime.gopark":
                break
            told = {}
        elif to.startswith("mov ") and source.startswith("0x"):
            told[to[len("mov "):]] = int(source, 16)
        elif to.startswith("lea ") and source.startswith("[0x"):
            told["text"] = int(source[1:-1], 16)
    if "ecx" in told:
        number, event = told["ecx"], told["edi"]
    elif "text" in told:  # pointer, length, event
        return [chars(told["text"], told["[rsp+0x18]"]), "string", told["[rsp+0x20]"]]
    else:  # two bytes, stored at once
        number, event = told["[rsp+0x10]"] & 0xFF, told["[rsp+0x10]"] >> 8
    entry = Addr("runtime.waitReasonStrings") + 16 * number
    return [chars(Word(entry), Word(entry + 8)), "number", event]


# What stands behind the call of exit: the wrapper's registers are put back, then come these.
def after_exit(code):
    found, behind = [], False
    for addr, text in code:
        verb, _, to = text.partition(" ")
        if verb == "call":
            found, behind = [], named(text) == "runtime.exit"
        elif behind and verb == "jmp":
            return found + ["jmp back" if int(to, 16) <= addr else "jmp on"]
        elif behind and "xmm15" not in text and not text.startswith("mov r14,") and ",fs:" not in text and verb != "nop" and text != "xchg ax,ax":
            found.append(text)
    return found


# The number of the system call that exit makes.
def syscall():
    number = None
    for _, text in Disasm("runtime.exit"):
        if text.startswith("mov eax,0x"):
            number = int(text[len("mov eax,"):], 16)
        if text == "syscall":
            return number
    return None


# What runtime.main calls that prints the stack of a goroutine.
def printers(code):
    called = [named(text) for _, text in code if text.startswith("call ")]
    return [n for n in called if n in ["runtime.goroutineheader", "runtime.traceback", "runtime.tracebackothers", "runtime.printpanics"]]


def code_facts():
    code = Disasm("runtime.main")
    rest = tail(code)
    at = calls_main(rest)
    reason, kind, event = park(code)
    return {
        "end.main.call": rest[at][1] if not rest[at][1].startswith("call 0x") else "call " + named(rest[at][1]),
        "end.main_main": Addr("runtime.main_main") is not None,
        "end.library.asked": asked(rest[:at]),
        "end.wait.turns": limit(rest[at:]),
        "end.park.reason": reason,
        "end.park.kind": kind,
        "end.park.event": event,
        "end.after_exit": after_exit(code),
        "end.printers": printers(code),
        "end.exit.syscall": syscall(),
        "end.goexit.first": Disasm("runtime.goexit")[0][1],
    }

# --- the run ---


def entered(seen, name):
    return seen.get("end.order", []) + [name]


def at_runtime_main(seen):
    facts = code_facts()
    facts.update({
        "end.order": entered(seen, "runtime.main"),
        "end.return.offset": Word(Reg("rsp")) - Addr("runtime.goexit"),
    })
    return facts


def at_main(seen):
    return {
        "end.order": entered(seen, "main.main"),
        "end.main.goid": At("runtime.g", G(), "goid"),
        "end.main.thread": Tid() == Pid(),
        "end.main.frames": Frames(),
        "end.main.locked": Var("runtime.m0.lockedInt"),
        "end.main.bound": At("runtime.g", G(), "lockedm") != 0,
    }


def at_goexit(seen):
    return {"end.order": entered(seen, "runtime.goexit")}


def at_goexit1(seen):
    return {"end.order": entered(seen, "runtime.goexit1")}


def at_hooks(seen):
    return {"end.order": entered(seen, "exit hooks")}


# runExitHooks calls Run where it is not inlined.
def at_run(seen):
    return {} if "exit hooks" in seen.get("end.order", []) else at_hooks(seen)


def at_exit(seen):
    callers = [f for f in Frames() if f != "runtime.exit"]
    facts = {
        "end.order": entered(seen, "runtime.exit"),
        "end.exit.code": Dword(Reg("rsp") + 8),
        "end.exit.caller": callers[0] if callers else None,
        "end.after_exit.reached": False,
    }
    if Has("main.turns"):
        # 1000 as a rule, or some 33 more: now and then the scheduler lets a goroutine run twice in a row.
        facts["end.turns.thousand"] = 950 <= Var("main.turns") and Var("main.turns") <= 1100
        facts["end.panic.stacks"] = seen.get("end.panic.stacks", 0)
    return facts


def behind_exit(seen):
    return {"end.after_exit.reached": True}


# One goroutine's stack is about to be printed.
def at_header(seen):
    g = Reg("rax") if Minor() >= 17 else Word(Reg("rsp") + 8)
    m = At("runtime.g", G(), "m")
    curg = At("runtime.m", m, "curg")
    return {
        "end.panic.stacks": seen.get("end.panic.stacks", 0) + 1,
        "end.panic.own": g == curg,
        "end.panic.main": At("runtime.g", curg, "goid") == seen["end.main.goid"],
    }


def at_next_header(seen):
    return {"end.panic.stacks": seen["end.panic.stacks"] + 1}


def at_step(seen):
    return {"end.steps": seen.get("end.steps", []) + ["main thread" if Tid() == Pid() else "another thread"]}

stops = {
    "runtime.main, any thread": at_runtime_main,
    "main.main, any thread": at_main,
    "main.step, any thread": at_step,
    "main.step #2, any thread": at_step,
    "runtime.goexit: CALL runtime.goexit1, any thread": at_goexit,
    "runtime.goexit1, any thread": at_goexit1,
    "runtime.goroutineheader, any thread": at_header,
    "runtime.goroutineheader #2, any thread": at_next_header,
    "runtime.runExitHooks, any thread": at_hooks,
    "internal/runtime/exithook.Run, any thread": at_run,
    "runtime.exit, any thread": at_exit,
    "runtime.main: after CALL runtime.exit, any thread": behind_exit,
}


if __name__ == "__main__":
    Walk([stops])
