# check, args and osinit: what the runtime tries out, and what it takes from the
# kernel, before schedinit begins.
#
# The kernel's stack at the first instruction is argc, argv, nil, the environment,
# nil, and the auxiliary vector, a list of pairs of a tag and a value.

AT_NULL, AT_PAGESZ, AT_SECURE, AT_RANDOM, AT_SYSINFO_EHDR = 0, 6, 23, 25, 33

CPUS = ["runtime.ncpu", "runtime.numCPUStartup"]
RANDOM = ["runtime.startupRandomData", "runtime.startupRand"]
VDSO = ["runtime.vdsoClockgettimeSym", "runtime.__vdso_clock_gettime_sym"]
STORED = CPUS + ["runtime.physHugePageSize", "runtime.physPageSize"]


# The first of the names that this release has.
def known(names):
    return ([n for n in names if Addr(n) is not None] + [None])[0]


# The texts the function gives to throw, sorted. The compiler leaves the address in
# the code as an absolute one, and the length in a register or a slot beside it.
def complaints(function):
    found, start, length = [], None, None
    for addr, text in Disasm(function):
        verb, _, rest = text.partition(" ")
        to, _, what = rest.partition(",")
        if verb == "lea" and what.startswith("[0x"):
            start = int(what[1:-1], 16)
        elif verb == "mov" and to in ["ebx", "[rsp+0x8]"] and what.startswith("0x"):
            length = int(what, 16)
        elif verb == "call" and to.startswith("0x") and Symbol(int(to, 16)) == "runtime.throw":
            found.append("".join([chr(Byte(start + i)) for i in range(length)]))
    return sorted(found)


# What check can complain of, by what it is about.
def check_facts():
    found = complaints("runtime.check")
    others = ["FixedStack is not power-of-2", "assembly checks failed", "bad timediv"]
    return {
        "osinit.check.sizes": [c for c in found if c.startswith("bad ") and c not in others],
        "osinit.check.atomics": [c for c in found if c.startswith("cas") or c.startswith("atomic")],
        "osinit.check.nans": [c for c in found if "nan" in c],
        "osinit.check.others": [c for c in found if c in others],
    }


# Which of the variables that are of interest the function's code stores to, in its order.
def stores(function):
    names = {"[0x%x]" % Addr(n): n for n in STORED if Addr(n) is not None}
    found = []
    for addr, text in Disasm(function):
        verb, _, rest = text.partition(" ")
        to = rest.partition(",")[0]
        if verb == "mov" and to in names and names[to] not in found:
            found.append(names[to])
    return found


# What the function calls, without what the compiler puts in: growing the stack, telling
# the collector of a store, an index out of range.
def calls(function):
    found = Calls(function)
    if found is None:
        return None
    added = ["runtime.morestack", "runtime.gcWriteBarrier", "runtime.panic"]
    return [c for c in found if not [a for a in added if c.startswith(a)]]


# Where in a list of words the first nil is.
def end(words):
    for i in range(100000):
        if Word(words + 8 * i) == 0:
            return i
    return None


# The variable's slice: [its first element's address, its length].
def slice_of(name):
    at = Addr(name)
    return None if at is None else [Word(at), Word(at + 8)]


def base(path):
    return path.split("/")[-1]


def at_exec(seen):
    sp = Reg("rsp")
    argc, argv = Word(sp), sp + 8
    env = argv + 8 * (end(argv) + 1)
    auxv = env + 8 * (end(env) + 1)
    pairs, values = 0, {}
    for i in range(1000):
        tag = Word(auxv + 16 * i)
        if tag == AT_NULL:
            pairs = i
            break
        values[tag] = Word(auxv + 16 * i + 8)
    image = [m[3] for m in Maps() if m[0] <= Reg("rip") and Reg("rip") < m[1]]
    facts = check_facts()
    facts.update({
        "osinit.kernel.sp": sp,
        "osinit.kernel.argc": argc,
        "osinit.kernel.argv_end": end(argv),
        "osinit.kernel.auxv": auxv,
        "osinit.kernel.pairs": pairs,
        "osinit.kernel.random": values[AT_RANDOM],
        "osinit.kernel.page_size": values[AT_PAGESZ],
        "osinit.kernel.secure": values[AT_SECURE],
        "osinit.kernel.vdso": AT_SYSINFO_EHDR in values,
        "osinit.argv0.is_program": base(Text(Word(argv))) == base(image[0]),
        "osinit.args.calls": calls("runtime.args"),
        "osinit.code.stores": stores("runtime.osinit"),
    })
    return facts


# What argc and argv are worth: the number, and how far above the kernel's argc the vector is.
def pair(seen, argc, argv):
    return [argc, argv - seen["osinit.kernel.sp"]]


def before_args(seen):
    sp = Reg("rsp")
    return {
        "osinit.slots": pair(seen, Dword(sp), Word(sp + 8)),
        "osinit.globals.before": [Var("runtime.argc"), Var("runtime.argv")],
        "osinit.page.before_args": Var("runtime.physPageSize"),
    }


# The body itself: from 1.17 on rt0_go's call goes to a wrapper before it.
def at_args(seen):
    sp, sent = Reg("rsp"), [seen["osinit.kernel.argc"], 8]
    return {
        "osinit.body.from_stack": pair(seen, Dword(sp + 8), Word(sp + 16)) == sent,
        "osinit.body.from_registers": pair(seen, Reg("eax"), Reg("rbx")) == sent,
    }


def vdso_found(seen):
    to = Var(known(VDSO))
    return [m[3] for m in Maps() if m[0] <= to and to < m[1]] == ["[vdso]"]


def before_osinit(seen):
    secure, auxv = Var("runtime.secureMode"), slice_of("runtime.auxv")
    cpus = known(CPUS)
    return {
        "osinit.globals": pair(seen, Var("runtime.argc"), Var("runtime.argv")),
        "osinit.random.is_kernels": slice_of(known(RANDOM)) == [seen["osinit.kernel.random"], 16],
        "osinit.vdso.found": vdso_found(seen) == seen["osinit.kernel.vdso"],
        "osinit.secure.is_kernels": None if secure is None else secure == (seen["osinit.kernel.secure"] == 1),
        "osinit.auxv.kept": None if auxv is None else auxv == [seen["osinit.kernel.auxv"], 2 * seen["osinit.kernel.pairs"]],
        "osinit.page.is_kernels": Var("runtime.physPageSize") == seen["osinit.kernel.page_size"],
        "osinit.cpus.before": Var(cpus),
    }


def at_osinit(seen):
    return {
        "osinit.page.at_osinit": Var("runtime.physPageSize"),
        "osinit.order": ["runtime.osinit"],
    }


def at_getaffinity(seen):
    return {"osinit.order": seen.get("osinit.order", []) + ["runtime.sched_getaffinity"]}


# How many processors the kernel lets the process run on: the bits of a mask in hexadecimal.
def allowed():
    for line in Proc("status").splitlines():
        if line.startswith("Cpus_allowed:"):
            digits = line.partition(":")[2].strip().replace(",", "")
            return len([1 for i in range(len(digits)) for bit in [1, 2, 4, 8] if int(digits[i], 16) & bit != 0])
    return None


def before_schedinit(seen):
    cpus = known(CPUS)
    huge = Var("runtime.physHugePageSize")
    return {
        "osinit.order": seen.get("osinit.order", []) + ["runtime.schedinit"],
        "osinit.cpus": Var(cpus),
        "osinit.cpus.variable": cpus if seen["osinit.cpus.before"] == 0 and Var(cpus) > 0 else "",
        "osinit.cpus.is_allowed": Var(cpus) == allowed(),
        "osinit.page.after_osinit": Var("runtime.physPageSize"),
        "osinit.huge.fits": None if huge is None else huge == 0 or huge & (huge - 1) == 0,
    }


stops = {
    "exec": at_exec,
    "runtime.rt0_go: CALL runtime.args": before_args,
    "runtime.args": at_args,
    "runtime.rt0_go: CALL runtime.osinit": before_osinit,
    "runtime.osinit": at_osinit,
    "runtime.sched_getaffinity": at_getaffinity,
    "runtime.rt0_go: CALL runtime.schedinit": before_schedinit,
}

if __name__ == "__main__":
    Walk([stops])
