# Every word at every stop. The file is written in what Python and Starlark have
# in common, so that the Delve witness can run it, too.

VARS = ["runtime.g0.stack.lo", "runtime.m0.g0", "runtime.m0.tls[0]", "runtime.buildVersion", "runtime.iscgo", "runtime.argc",
        "runtime.sched.maxmcount", "runtime.nosuch", "runtime.g0.nosuch", "internal/cpu.X86.HasAVX", "runtime.m0.mstartfn",
        "runtime.g0.m", "runtime.g0.param"]
ADDRS = ["runtime.g0", "runtime.m0.tls", "runtime.g0.stack.hi", "runtime.rt0_go", "runtime.check", "runtime.mstart", "runtime.newproc",
         "runtime.asmcgocall", "runtime.mstart0", "runtime.goexit", "runtime.nosuch", "main.main", "runtime.m0.tls[2]", "_rt0_amd64_linux"]
HAS = ["runtime.g0", "runtime.check", "runtime.m", "runtime.heapAddrBits", "runtime.nosuch", "main.main", "runtime.waitReason", "int"]
TYPES = ["runtime.g", "runtime.m", "runtime.p", "runtime.mutex", "runtime.schedt", "bool", "int", "uint", "uintptr", "string", "unsafe.Pointer",
         "*runtime.g", "[6]uintptr", "runtime.nosuch", "runtime.lockRank", "runtime.stack"]
TEXTS = ["runtime.m0.g0", "runtime.allp", "runtime.m0.tls", "runtime.buildVersion", "runtime.iscgo", "runtime.g0.stack", "runtime.g0.param",
         "runtime.nosuch", "runtime.m0.curg", "runtime.allm", "runtime.work.full", "runtime.mheap_.arenas", "runtime.m0.mstartfn", "runtime.g0.m"]
CONSTS = ["runtime.heapAddrBits", "runtime._StackMin", "runtime.stackMin", "runtime.nosuch", "runtime.g0"]
REGS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r15", "rip", "rflags", "fs_base", "gs_base", "eax", "ecx", "edi", "r8d"]


def none(v):
    return "none" if v == None else v  # noqa: E711 (Starlark has no `is`)


def words(seen):
    g0 = Addr("runtime.g0")
    return {
        "words.minor": Minor(),
        "words.regs": [Reg(r) >= 0 and (Reg(r) < 1 << 64) for r in REGS],
        "words.rip": Reg("rip"),
        "words.vars": [none(Var(v)) for v in VARS],
        "words.addrs": [none(Addr(a)) for a in ADDRS],
        "words.has": [Has(h) for h in HAS],
        "words.at": [none(At("runtime.g", g0, "stack.hi")), none(At("runtime.nosuch", g0, "x")), none(At("runtime.g", g0, "nosuch"))],
        "words.len": [none(Len(e)) for e in ["runtime.m0.tls", "runtime.buildVersion", "runtime.allp", "runtime.nosuch"]],
        "words.sizes": [none(Size(t)) for t in TYPES],
        "words.offsets": [none(Offset(t, f)) for t, f in [("runtime.g", "stack.hi"), ("runtime.m", "tls"), ("runtime.m", "tls[1]"),
                                                         ("runtime.m", "nosuch"), ("runtime.nosuch", "x")]],
        "words.types": [none(TypeOf(t)) for t in TEXTS],
        "words.memory": [Word(g0), Dword(g0), Byte(g0), Word(Addr("runtime.buildVersion") + 8)],
        "words.consts": [none(Const(c)) for c in CONSTS],
        "words.code": [text for _, text in Disasm("runtime.rt0_go")] + [none(Disasm("runtime.nosuch"))],
        "words.calls": Calls("runtime.rt0_go") + [none(Calls("runtime.nosuch"))],
        "words.where": [none(Symbol(Reg("rip"))), none(Symbol(1)), none(Line(1))] + (Line(Reg("rip")) or []),
        "words.frames": Frames(),
        "words.process": [Tid() == Pid(), Tid() in Threads(), "State:" in Proc("status"), len(Maps()[0]), len([m for m in Maps() if m[3] == "[stack]"])],
    }


def at_exec(seen):
    found = words(seen)
    sp = Reg("rsp")
    found["words.start"] = [sp, Word(sp), Text(Word(sp + 8))]
    return found


stops = {
    "exec": at_exec,
    "entry": words,
    "runtime.rt0_go": words,
    "runtime.check": words,
    "runtime.schedinit": words,
    "runtime.newproc": words,
    "runtime.mstart": words,
    "runtime.main": words,
    "main.main": words,
}
