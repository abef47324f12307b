# What rt0_go asks the CPU: the vendor, the version, and what becomes of the
# answers.
#
# Two CPUs give other numbers, so a number of the CPU is compared with what the
# kernel says of it (/proc/cpuinfo), not with a number written here.

BRANCHES = ["runtime.lfenceBeforeRdtsc", "internal/cpu.X86.HasRDTSCP"]


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


def index(lines, start):
    """Where the first instruction that begins so is, or -1."""
    for i in range(len(lines)):
        if lines[i][1].startswith(start):
            return i
    return -1


def leaves(lines):
    found, eax = [], -1
    for _, text in lines:
        if text.startswith("mov eax,"):
            eax = number(text)
        elif text == "cpuid":
            found.append(eax)
    return found


def letters(n):
    return "".join([chr((n >> shift) & 255) for shift in [0, 8, 16, 24]])


def vendor_tests(lines):
    """"ebx Genu" for each comparison of a register with a large number between the first two CPUIDs."""
    found, cpuids = [], 0
    for _, text in lines:
        if text == "cpuid":
            cpuids += 1
        if cpuids == 1 and text.startswith("cmp e") and number(text) > 0xffffff:
            found.append(text[len("cmp "):].split(",")[0] + " " + letters(number(text)))
    return found


def skips(lines):
    """Whether leaf 0's JE leads to the load of _cgo_init: a word, tested against nil, then called."""
    first = index(lines, "cpuid")
    for _, text in lines[first:]:
        if text.startswith("je 0x"):
            for i in range(len(lines) - 2):
                if lines[i][0] == number(text):
                    return (lines[i][1].startswith("mov rax,[0x") and lines[i + 1][1] == "test rax,rax" and
                            lines[i + 2][1].startswith("je 0x"))
            return False
    return False


def stored_in(lines, name):
    start = "mov [0x%x]," % Addr(name)
    return [number(text) for _, text in lines if text.startswith(start)]


def ticks():
    lines = code("runtime.cputicks")
    asks = None
    for name in BRANCHES:
        at = Addr(name)
        if at is not None and index(lines, "cmp [0x%x]," % at) >= 0:
            asks = name
    verbs = [text.split(" ")[0] for _, text in lines]
    return {
        "cpu.cputicks.fences": [v for v in verbs if v in ["lfence", "mfence", "rdtsc", "rdtscp"]],
        "cpu.cputicks.asks": asks,
    }


def too_old(lines):
    """What rt0_go does when the CPU lacks what GOAMD64 promises: write(2, text, n), exit(1)."""
    behind = lines[index(lines, "call runtime.mstart"):]
    at = index(behind, "mov [rsp+0x10],0x")
    if at < 0:
        return {"cpu.level.length": None, "cpu.level.message": None, "cpu.level.calls": None}
    size, text = number(behind[at][1]), ""
    for _, line in behind[:at]:
        if line.startswith("lea rax,[0x"):
            start = int(line[len("lea rax,["):-1], 16)
    for i in range(size):
        text += chr(Byte(start + i))
    return {
        "cpu.level.length": size,
        "cpu.level.message": text.strip("\0\n"),
        "cpu.level.calls": [line[len("call "):] for _, line in behind[at:] if line.startswith("call ")],
    }


def internal():
    calls = Calls("internal/cpu.doinit")
    return None if calls is None else "internal/cpu.cpuid" in calls


def kernel(key):
    """What the kernel says of the first CPU."""
    for line in Proc("../cpuinfo").split("\n"):
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def at_cpuid(seen):
    lines = code("runtime.rt0_go")
    verbs = [text.split(" ")[0] for _, text in lines]
    facts = {
        "cpu.leaf0.asked": Reg("eax"),
        "cpu.isintel.before": Byte(Addr("runtime.isIntel")) != 0,
        "cpu.isintel.type": TypeOf("runtime.isIntel"),
        "cpu.isintel.stored": stored_in(lines, "runtime.isIntel"),
        "cpu.lfence.type": TypeOf("runtime.lfenceBeforeRdtsc"),
        "cpu.nocpuinfo.skips": skips(lines),
        "cpu.rt0.leaves": leaves(lines),
        "cpu.rt0.cpuids": verbs.count("cpuid"),
        "cpu.rt0.xgetbvs": verbs.count("xgetbv"),
        "cpu.rt0.setnes": verbs.count("setne"),
        "cpu.internal.asks": internal(),
    }
    facts.update(ticks())
    facts.update(too_old(lines))
    return facts


def at_compare(seen):
    lines = code("runtime.rt0_go")
    return {
        "cpu.leaf0.max": Reg("eax"),
        "cpu.leaf0.is_level": str(Reg("eax")) == kernel("cpuid level"),
        "cpu.leaf0.in_si": Reg("rsi") == Reg("rax"),
        "cpu.leaf0.si_used": index(lines, "cmp esi,") >= 0,
        "cpu.vendor.compared": vendor_tests(lines),
        "cpu.vendor.as_kernel": letters(Reg("ebx")) + letters(Reg("edx")) + letters(Reg("ecx")) == kernel("vendor_id"),
    }


def at_second_cpuid(seen):
    intel = kernel("vendor_id") == "GenuineIntel"
    fence = Addr("runtime.lfenceBeforeRdtsc")
    return {
        "cpu.isintel.right": (Byte(Addr("runtime.isIntel")) != 0) == intel,
        "cpu.lfence.right": None if fence is None else (Byte(fence) != 0) == intel,
    }


def at_version(seen):
    return {"cpu.version.eax": Reg("eax")}


def at_cgo_test(seen):
    v = Var("runtime.processorVersionInfo")
    family, model = (v >> 8) & 15, (v >> 4) & 15
    if family in [6, 15]:
        model += ((v >> 16) & 15) << 4
    if family == 15:
        family += (v >> 20) & 255
    said = [kernel("cpu family"), kernel("model"), kernel("stepping")]
    return {
        "cpu.version.stored": v == seen["cpu.version.eax"],
        "cpu.version.as_kernel": [str(family), str(model), str(v & 15)] == said,
    }


stops = {
    "runtime.rt0_go: CPUID": at_cpuid,
    "runtime.rt0_go: CMPL": at_compare,
    "runtime.rt0_go: CPUID #2": at_second_cpuid,
    "runtime.rt0_go: after CPUID #2": at_version,
    "runtime.rt0_go: TESTQ": at_cgo_test,
}

if __name__ == "__main__":
    Walk([stops])
