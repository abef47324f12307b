# From the first instruction to the top of rt0_go: who is first, what the
# registers hold, and how argc and argv get from the kernel's stack to their
# slots in rt0_go's frame.
#
# rt0.* facts that the code itself shows are also read by the static witness;
# where a debugger can measure instead of read, it measures (rt0.go.sub).

HIGH = ["rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"]
REGISTERS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp"] + HIGH


def first(lines, start):
    for text in lines:
        if text.startswith(start):
            return text[len(start):]
    return None


def passed(seen, name):
    return seen.get("rt0.order", []) + [name]


def at_exec(seen):
    sp = Reg("rsp")
    name = Proc("cmdline").split("\0")[0]
    entry = Disasm("_rt0_amd64_linux")
    return {
        "rt0.entry.sp": sp,
        "rt0.entry.first": entry is not None and Reg("rip") == entry[0][0],
        "rt0.word0": Word(sp),
        "rt0.word1.is_vector": Word(sp + 8) == sp + 8,
        "rt0.word1.is_argv0": Text(Word(sp + 8)) == name,
        "rt0.registers.nonzero": [r for r in REGISTERS if Reg(r) != 0],
        "rt0.registers.fs_base": Reg("fs_base"),
    }


def at_entry(seen):
    return {
        "rt0.entry.symbol": Symbol(Reg("rip")),
        "rt0.entry.code": Code("_rt0_amd64_linux"),
        "rt0.main.symbol": Disasm("main") is not None,
        "rt0.order": passed(seen, "_rt0_amd64_linux") if seen["rt0.entry.first"] else [],
    }


def at_rt0(seen):
    return {
        "rt0.jump.sp_moved": seen["rt0.entry.sp"] - Reg("rsp"),
        "rt0.load.code": Code("_rt0_amd64"),
        "rt0.di.before": Reg("rdi"),
        "rt0.order": passed(seen, "_rt0_amd64"),
    }


def at_rt0_loaded(seen):
    return {"rt0.di.steps": [seen["rt0.di.before"], Reg("rdi")]}


def at_rt0_go(seen):
    lines = Code("runtime.rt0_go")
    mask = first(lines, "and rsp,")
    sp = seen["rt0.entry.sp"]
    return {
        "rt0.go.entry_sp": Reg("rsp"),
        "rt0.go.di_is_argc": Reg("rdi") == Word(sp),
        "rt0.go.si_above_sp": Reg("rsi") - sp,
        "rt0.go.begin": lines[:2],
        "rt0.go.align": None if mask is None else (1 << 64) - int(mask, 16),
        "rt0.go.checks_stack": first(lines, "cmp rsp,") is not None,
        "rt0.order": passed(seen, "runtime.rt0_go"),
    }


def at_sub(seen):
    sp = seen["rt0.entry.sp"]
    return {"rt0.go.ax_bx": Reg("rax") == Word(sp) and Reg("rbx") == sp + 8}


def at_after_sub(seen):
    return {"rt0.go.sub": seen["rt0.go.entry_sp"] - Reg("rsp")}


def at_aligned(seen):
    return {
        "rt0.go.sp_mod16": Reg("rsp") % 16,
        "rt0.go.drop": seen["rt0.go.entry_sp"] - Reg("rsp"),
    }


def slot(sp, end, value, mask):
    """Where in rt0_go's frame the value stands, as far as the mask goes: its offset from SP, or -1."""
    for offset in range(0, end - sp, 8):
        if Word(sp + offset) & mask == value:
            return offset
    return -1


def at_settls(seen):
    return {"rt0.registers.at_settls": [r for r in HIGH if Reg(r) != 0]}


def at_check(seen):
    sp, entry = Reg("rsp"), seen["rt0.entry.sp"]
    top = seen["rt0.go.entry_sp"]
    # argc is read back as 32 bits.
    slots = [slot(sp, top, seen["rt0.word0"], (1 << 32) - 1), slot(sp, top, entry + 8, (1 << 64) - 1)]
    stack = [m for m in Maps() if m[3] == "[stack]"][0]
    return {
        "rt0.go.slots": slots,
        "rt0.go.copies_in_stack": all([s >= 0 and stack[0] <= sp + s and sp + s + 8 <= entry for s in slots]),
        "rt0.go.original_kept": Word(entry) == seen["rt0.word0"],
        "rt0.go.sp_mod16_at_check": sp % 16,
        "rt0.registers.at_check": [r for r in HIGH if Reg(r) != 0],
    }


def at_schedinit(seen):
    return {"rt0.order": passed(seen, "runtime.schedinit")}


def at_runtime_main(seen):
    return {"rt0.order": passed(seen, "runtime.main")}


def at_main(seen):
    return {"rt0.order": passed(seen, "main.main")}


stops = {
    "exec": at_exec,
    "entry": at_entry,
    "_rt0_amd64": at_rt0,
    "_rt0_amd64: after MOVQ": at_rt0_loaded,
    "runtime.rt0_go": at_rt0_go,
    "runtime.rt0_go: SUBQ": at_sub,
    "runtime.rt0_go: after SUBQ": at_after_sub,
    "runtime.rt0_go: after ANDQ": at_aligned,
    "runtime.rt0_go: CALL runtime.settls": at_settls,
    "runtime.rt0_go: CALL runtime.check": at_check,
    "runtime.schedinit": at_schedinit,
    "runtime.main": at_runtime_main,
    "main.main, any thread": at_main,
}

if __name__ == "__main__":
    Walk([stops])
