# The test for cgo, thread-local storage, and the number 0x123 that proves it.
#
# Labels are gone from a binary, so rt0_go's blocks are found by their shape:
# `needtls` is where the branch behind TEST RAX,RAX leads, `ok` where the branch
# behind the comparison with 0x123 leads.

SETTLS = "call runtime.settls"


def code(function):
    """[address, instruction] of the function, call targets as names."""
    found = []
    for addr, text in Disasm(function) or []:
        if text.startswith("call 0x"):
            text = "call " + (Symbol(int(text[len("call "):], 16)) or "?")
        found.append([addr, text])
    return found


def number(text):
    """The number at the end of the instruction, or -1."""
    last = text.split(",")[-1].split(" ")[-1]
    return int(last, 16) if last.startswith("0x") else -1


def index(lines, start, first=0):
    """Where the first instruction that begins so is, from the given one on, or -1."""
    for i in range(first, len(lines)):
        if lines[i][1].startswith(start):
            return i
    return -1


def target(lines, i):
    """Where the branch leads: the index of the instruction."""
    for j in range(len(lines)):
        if lines[j][0] == number(lines[i][1]):
            return j
    return -1


def place(operand):
    """fs:0xfffffffffffffff8 as fs:-0x8."""
    segment, _, offset = operand.partition(":")
    if not offset.startswith("0x"):
        return operand
    n = int(offset, 16)
    return "%s:-0x%x" % (segment, (1 << 64) - n) if n >> 63 else "%s:0x%x" % (segment, n)


def called(lines, i):
    """The first thing called from there on."""
    at = index(lines, "call ", i)
    return lines[at][1][len("call "):]


def blocks(lines):
    """What the code says of the branch for cgo and of the block needtls."""
    test = index(lines, "test rax,rax")
    # The assembler sends a branch to a jump on to where that jumps.
    needtls = target(lines, test + 1)
    settls = index(lines, SETTLS)
    entry = code("_rt0_amd64_linux") + code("_rt0_amd64")
    return {
        "tls.cgo_init.calls": [called(lines, needtls), called(lines, test + 1)],
        "tls.needtls.skipped": needtls > settls,
        "tls.settls.earlier_syscalls": len([text for _, text in entry + lines[:settls] if text == "syscall"]),
    }


def magic(lines):
    """What the code says of the test with 0x123."""
    settls = index(lines, SETTLS)
    compare = index(lines, "cmp rax,", settls)
    if compare < 0:
        return {"tls.magic.compared": None, "tls.magic.reads_m0tls": None, "tls.magic.failure": None}
    return {
        "tls.magic.compared": number(lines[compare][1]),
        "tls.magic.reads_m0tls": lines[compare - 1][1] == "mov rax,[0x%x]" % Addr("runtime.m0.tls"),
        "tls.magic.failure": lines[compare + 2][1],
    }


def g_slot(lines):
    """What the code says of the first store of g, behind the label ok."""
    compare = index(lines, "cmp rax,", index(lines, SETTLS))
    ok = target(lines, compare + 1)
    found = []
    for _, text in lines[ok:index(lines, "call runtime.check", ok)]:
        if text.startswith("mov ") and text.endswith(",rcx"):
            break
        found.append(text)
    loads = [place(t[len("mov rbx,"):]) for t in found if t.startswith("mov rbx,")]
    return {
        "tls.g.slot": place(text[len("mov "):-len(",rcx")]),
        "tls.gettls.loads": ["a variable" if l.startswith("[0x") else l for l in loads],
    }


def abort():
    lines = code("runtime.abort")
    if not lines:
        return {"tls.abort.first": None, "tls.abort.loops": None}
    return {
        "tls.abort.first": lines[0][1],
        "tls.abort.loops": lines[1][1] == "jmp 0x%x" % lines[1][0],
    }


def loads_g(function, n):
    """Whether one of the first n instructions loads from the segment FS."""
    return len([text for _, text in code(function)[:n] if ",fs:" in text]) > 0


def passed(seen, name):
    return seen.get("tls.chain", []) + [name]


def at_rt0_go(seen):
    lines = code("runtime.rt0_go")
    facts = {"tls.chain": ["runtime.rt0_go"]}
    facts.update(blocks(lines))
    facts.update(abort())
    return facts


def but_for_the_core(rbx):
    """CPUID leaf 1 names, in one byte of EBX, the core it ran on."""
    return rbx & ~0xff000000


def at_cpuid(seen):
    return {"tls.rbx.cpuid": but_for_the_core(Reg("rbx"))}


def at_cgo_test(seen):
    return {"tls.cgo_init.nil": Reg("rax") == 0}


def fields():
    """The words of m0 that are not zero, those of tls and two others by name, the rest as their offset."""
    names = {Offset("runtime.m", f): f for f in ["g0", "curg"]}
    for i in range(6):
        names[Offset("runtime.m", "tls") + 8 * i] = "tls[%d]" % i
    m0 = Addr("runtime.m0")
    return [names.get(i, "+%d" % i) for i in range(0, Size("runtime.m") // 8 * 8, 8) if Word(m0 + i) != 0]


def at_call(seen):
    return {"tls.m0.before": fields(), "tls.fs.before": Reg("fs_base")}


def at_settls(seen):
    return {
        "tls.chain": passed(seen, "runtime.settls"),
        "tls.settls.di_above_m0tls": Reg("rdi") - Addr("runtime.m0.tls"),
        "tls.m.offset": Offset("runtime.m", "tls"),
    }


def at_syscall(seen):
    return {
        "tls.settls.syscall": [Reg("rax"), Reg("rdi")],
        "tls.settls.address_above_m0tls": Reg("rsi") - Addr("runtime.m0.tls"),
    }


def at_called(seen):
    return {
        "tls.fs.above_m0tls": Reg("fs_base") - Addr("runtime.m0.tls"),
        "tls.magic.before": Var("runtime.m0.tls[0]"),
    }


def at_compare(seen):
    facts = magic(code("runtime.rt0_go"))
    facts["tls.magic.number"] = Word(Reg("fs_base") - 8)
    facts["tls.magic.m0_tls0"] = Var("runtime.m0.tls[0]")
    facts["tls.magic.passes"] = Reg("rax") == facts["tls.magic.compared"]
    facts["tls.m0.fields"] = fields()
    return facts


def at_bound(seen):
    facts = g_slot(code("runtime.rt0_go"))
    base = Reg("fs_base")
    facts["tls.g.is_g0"] = Word(base - 8) == Addr("runtime.g0")
    facts["tls.rbx.is_base"] = Reg("rbx") in [base, base - 8]
    facts["tls.rbx.kept"] = but_for_the_core(Reg("rbx")) == seen["tls.rbx.cpuid"]
    return facts


def at_check(seen):
    return {"tls.chain": passed(seen, "runtime.check")}


def at_main(seen):
    return {
        "tls.main.r14_is_g": Reg("r14") == Word(Reg("fs_base") - 8),
        "tls.main.loads_g": loads_g("main.main", 3),
        "tls.asm.loads_g": loads_g("runtime.systemstack", 6),
        "tls.thread.calls_settls": seen.get("tls.thread.calls_settls", False),
    }


def at_other_thread(seen):
    return {"tls.thread.calls_settls": True}


def at_clone(seen):
    return {"tls.clone.flag": Reg("rdi") & 0x80000 != 0}


stops = {
    "runtime.rt0_go": at_rt0_go,
    "runtime.rt0_go: after CPUID #2": at_cpuid,
    "runtime.rt0_go: after CPUID #3": at_cpuid,
    "runtime.rt0_go: TESTQ": at_cgo_test,
    "runtime.rt0_go: CALL runtime.settls": at_call,
    "runtime.settls": at_settls,
    "runtime.settls: SYSCALL": at_syscall,
    "runtime.rt0_go: after CALL runtime.settls": at_called,
    "runtime.rt0_go: CMPQ": at_compare,
    "runtime.rt0_go: CALL runtime.check": at_bound,
    "runtime.check": at_check,
    "main.main, any thread": at_main,
    "runtime.settls #2, any thread": at_other_thread,
    "runtime.clone: SYSCALL, any thread": at_clone,
}

if __name__ == "__main__":
    Walk([stops])
