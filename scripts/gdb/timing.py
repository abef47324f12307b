# The milestones on the way to main.main, when inittrace begins to count and to
# write, and where a probe is cheap.

# What the kernel emulates under a probe: the instructions that are no single step.
EMULATED = ["push", "nop", "jmp", "call"]


def emulated(mnemonic):
    return mnemonic in EMULATED or mnemonic.startswith("j")


def mnemonics(code):
    return [text.partition(" ")[0] for _, text in code]


# Right behind the branch to morestack, which is that of the first "below or equal".
def behind_check(names):
    for i in range(len(names) - 1):
        if names[i] == "jbe":
            return names[i + 1]
    return None


def at_exec(seen):
    names = mnemonics(Disasm("runtime.schedinit"))
    return {
        "timing.site.entry": emulated(names[0]),
        "timing.site.behind": behind_check(names),
    }


def passed(seen, name):
    facts = {"timing.order": seen.get("timing.order", []) + [name]}
    if name != "a line" and Var("runtime.runtimeInitTime") == 0:
        facts["timing.zero.last"] = name
    return facts


def at_rt0_go(seen):
    return passed(seen, "runtime.rt0_go")


def at_check(seen):
    return passed(seen, "runtime.check")


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


def at_write(seen):
    return passed(seen, "a line")


def at_runtime_main(seen):
    return passed(seen, "runtime.main")


def at_gcenable(seen):
    return passed(seen, "runtime.gcenable")


def step(seen, what):
    return {"timing.trace.steps": seen.get("timing.trace.steps", []) + [what]}


def at_clock(seen):
    return step(seen, "clock")


def at_init(seen):
    return step(seen, "init function")


def at_line(seen):
    return step(seen, "line")


# The milestone right before the first line.
def behind(order):
    for i in range(1, len(order)):
        if order[i] == "a line":
            return order[i - 1]
    return None


def at_main(seen):
    facts = passed(seen, "main.main")
    order = facts["timing.order"]
    facts.update({
        "timing.order.boot": [name for name in order if name != "a line"],
        "timing.trace.behind": behind(order),
        "timing.trace.line": seen.get("timing.trace.steps", []),
        "timing.written": "a line" in order,
    })
    return facts


stops = {
    "exec": at_exec,
    "runtime.rt0_go": at_rt0_go,
    "runtime.check": at_check,
    "runtime.args": at_args,
    "runtime.osinit": at_osinit,
    "runtime.schedinit": at_schedinit,
    "runtime.newproc": at_newproc,
    "runtime.mstart": at_mstart,
    "internal/bytealg.init.0": at_init,
    "runtime.doInit: CALL runtime.nanotime": at_clock,
    "runtime.doInit: CALL runtime.nanotime #2": at_clock,
    "runtime.doInit: CALL runtime.printlock": at_line,
    "runtime.doInit1: CALL runtime.nanotime": at_clock,
    "runtime.doInit1: CALL runtime.nanotime #2": at_clock,
    "runtime.doInit1: CALL runtime.printlock": at_line,
    "runtime.write": at_write,
    "runtime.main, any thread": at_runtime_main,
    "runtime.gcenable": at_gcenable,
    "main.main, any thread": at_main,
}


if __name__ == "__main__":
    Walk([stops])
