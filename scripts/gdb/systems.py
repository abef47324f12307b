# What the assembler makes of its notation: SB, PC and FP are in no instruction.

def number(text):
    """The number at the end of the instruction, or -1."""
    last = text.replace("]", "").split("[")[-1].split(",")[-1].split(" ")[-1]
    return int(last, 16) if last.startswith("0x") else -1


def at_rt0_go(seen):
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


stops = {"runtime.rt0_go": at_rt0_go}

if __name__ == "__main__":
    Walk([stops])
