# Every word at every stop. The file is written in what Python and Starlark have
# in common, so that the Delve witness can run it, too.

VARS = ["runtime.g0.stack.lo", "runtime.m0.g0", "runtime.m0.tls[0]", "runtime.buildVersion", "runtime.iscgo", "runtime.argc",
        "runtime.sched.maxmcount", "runtime.nosuch", "runtime.g0.nosuch", "internal/cpu.X86.HasAVX", "runtime.m0.mstartfn",
        "runtime.g0.m", "runtime.g0.param"]
ADDRS = ["runtime.g0", "runtime.m0.tls", "runtime.g0.stack.hi", "runtime.rt0_go", "runtime.check", "runtime.mstart", "runtime.newproc",
         "runtime.asmcgocall", "runtime.mstart0", "runtime.goexit", "runtime.nosuch", "main.main", "runtime.m0.tls[2]",
         "_rt0_amd64_linux", "nosuch"]
HAS = ["runtime.g0", "runtime.check", "runtime.m", "runtime.heapAddrBits", "runtime.nosuch", "main.main", "runtime.waitReason", "int",
       "runtime.stackinit", "runtime.stackini", "untime.stackinit"]
TYPES = ["runtime.g", "runtime.m", "runtime.p", "runtime.mutex", "runtime.schedt", "bool", "int", "uint", "uintptr", "string", "unsafe.Pointer",
         "*runtime.g", "[6]uintptr", "runtime.nosuch", "runtime.lockRank", "runtime.stack"]
TEXTS = ["runtime.m0.g0", "runtime.allp", "runtime.m0.tls", "runtime.buildVersion", "runtime.iscgo", "runtime.g0.stack", "runtime.g0.param",
         "runtime.nosuch", "runtime.m0.curg", "runtime.allm", "runtime.work.full", "runtime.mheap_.arenas", "runtime.m0.mstartfn", "runtime.g0.m"]
CONSTS = ["runtime.heapAddrBits", "runtime._StackMin", "runtime.stackMin", "runtime.nosuch", "runtime.g0"]
REGS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r15", "rip", "rflags", "fs_base", "gs_base", "eax", "ecx", "edi", "r8d"]


def none(v):
    return "none" if v == None else v  # noqa: E711 (Starlark has no `is`)


def words(n):
    g0 = Addr("runtime.g0")
    found = {
        "minor": Minor(),
        "regs": [Reg(r) >= 0 and (Reg(r) < 1 << 64) for r in REGS],
        "rip": Reg("rip"),
        "vars": [none(Var(v)) for v in VARS],
        "addrs": [none(Addr(a)) for a in ADDRS],
        "has": [Has(h) for h in HAS],
        "at": [none(At("runtime.g", g0, "stack.hi")), none(At("runtime.nosuch", g0, "x")), none(At("runtime.g", g0, "nosuch"))],
        "len": [none(Len(e)) for e in ["runtime.m0.tls", "runtime.buildVersion", "runtime.allp", "runtime.nosuch"]],
        "sizes": [none(Size(t)) for t in TYPES],
        "offsets": [none(Offset(t, f)) for t, f in [("runtime.g", "stack.hi"), ("runtime.m", "tls"), ("runtime.m", "tls[1]"),
                                                         ("runtime.m", "nosuch"), ("runtime.nosuch", "x")]],
        "types": [none(TypeOf(t)) for t in TEXTS],
        "memory": [Word(g0), Dword(g0), Byte(g0), Word(Addr("runtime.buildVersion") + 8)],
        "consts": [none(Const(c)) for c in CONSTS],
        "code": [text for _, text in Disasm("runtime.rt0_go")] + [none(Disasm("runtime.nosuch"))],
        "calls": Calls("runtime.rt0_go") + [none(Calls("runtime.nosuch"))] + Code("runtime.rt0_go") + [none(Code("runtime.nosuch"))],
        "where": [none(Symbol(Reg("rip"))), none(Symbol(1)), none(Line(1))] + (Line(Reg("rip")) or []),
        "frames": Frames(),
        "process": [Tid() == Pid(), Tid() in Threads(), "State:" in Proc("status"), len(Maps()[0]), len([m for m in Maps() if m[3] == "[stack]"])],
    }
    return {"words.%s.%s" % (name, n): value for name, value in found.items()}


def with_g(n):
    """The words where a g runs: FS is set."""
    found = words(n)
    found["words.g." + n] = [G() == Addr("runtime.g0"), At("runtime.g", G(), "goid"), none(Symbol(At("runtime.g", G(), "startpc")))]
    return found


def at_exec(seen):
    found = words("exec")
    sp = Reg("rsp")
    found["words.start"] = [sp, Word(sp), Text(Word(sp + 8))]
    return found


stops = {
    "exec": at_exec,
    "entry": lambda seen: words("entry"),
    "runtime.rt0_go": lambda seen: words("rt0_go"),
    "runtime.check": lambda seen: with_g("check"),
    "runtime.schedinit": lambda seen: with_g("schedinit"),
    "runtime.newproc": lambda seen: with_g("newproc"),
    "runtime.mstart": lambda seen: with_g("mstart"),
    "runtime.main": lambda seen: with_g("main"),
    "main.main": lambda seen: with_g("main_main"),
}
