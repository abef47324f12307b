# What the assembler makes of its notation: SB, PC and FP are in no instruction.
# And the start on arm64, run by qemu.

def number(text):
    """The number at the end of the instruction, or -1."""
    last = text.replace("]", "").split("[")[-1].split(",")[-1].split(" ")[-1]
    return int(last, 16) if last.startswith("0x") else -1


def at_entry(seen):
    """What the kernel leaves at the stack pointer, and on arm64 alone where that is."""
    if Goarch() != "arm64":
        return {}
    return {"systems.entry.argc": Word(Reg("sp")), "systems.entry.sp": Reg("sp")}


def on_arm64(seen):
    """argc and argv have arrived in two registers."""
    return {
        "systems.args.arrive": [Reg("x0") == seen["systems.entry.argc"], Reg("x1") == seen["systems.entry.sp"] + 8],
        "systems.args.argv": Reg("x1"),
    }


def at_check(seen):
    """g0 and the copies of argc and argv are there."""
    facts = passed(seen, "runtime.check")
    if Goarch() != "arm64":
        return facts
    sp, argc, argv = Reg("sp"), seen["systems.entry.argc"], seen["systems.args.argv"]
    slots = [i for i in range(0, 32, 8) if Dword(sp + i) == argc][:1] + [i for i in range(0, 32, 8) if Word(sp + i) == argv][:1]
    facts["systems.g0.size"] = Var("runtime.g0.stack.hi") - Var("runtime.g0.stack.lo")
    facts["systems.args.slots"] = slots
    facts["systems.g.register"] = Reg("x28") == Addr("runtime.g0")
    return facts


def passed(seen, name):
    return {"systems.order": seen.get("systems.order", []) + [name]}


def at_args(seen):
    return passed(seen, "runtime.args")


def at_osinit(seen):
    return passed(seen, "runtime.osinit")


def at_schedinit(seen):
    return passed(seen, "runtime.schedinit")


def at_newproc(seen):
    return passed(seen, "runtime.newproc")


def at_mstart(seen):
    return passed(seen, "runtime.mstart")


def at_rt0_go(seen):
    if Goarch() == "arm64":
        return on_arm64(seen)
    lines = Disasm("runtime.rt0_go")
    loads = [[addr, number(text)] for addr, text in lines if text.startswith("lea rdi,[0x")]
    tests = [i for i in range(len(lines)) if lines[i][1].startswith("cmp rax,0x12")]
    leads = number(lines[tests[0] + 1][1]) if tests else None
    skipped = [i - tests[0] - 1 for i in range(len(lines)) if lines[i][0] == leads]
    exit = Disasm("runtime.exit")
    facts = {
        "systems.pc.skips": skipped[0] if skipped else None,
        "systems.fp.code": exit[0][1] if exit else None,
        "systems.sb.offset": Addr("runtime.m0") + Offset("runtime.m", "tls") in [to for _, to in loads],
        "systems.sb.bytes": None,
        "systems.sb.is_g0": None,
    }
    if loads:
        facts["systems.sb.bytes"] = [Byte(loads[0][0] + i) for i in range(3)]
        facts["systems.sb.is_g0"] = loads[0][1] == Addr("runtime.g0")
    return facts


stops = {
    "entry": at_entry,
    "runtime.rt0_go": at_rt0_go,
    "runtime.check": at_check,
    "runtime.args": at_args,
    "runtime.osinit": at_osinit,
    "runtime.schedinit": at_schedinit,
    "runtime.newproc": at_newproc,
    "runtime.mstart": at_mstart,
}

if __name__ == "__main__":
    Walk([stops])
