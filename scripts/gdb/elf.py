# The ELF image as gdb sees it: the header as the kernel mapped it, gdb's own list of
# sections, and its line table.

VARIABLES = {
    "g0": "runtime.g0", "m0": "runtime.m0", "sched": "runtime.sched", "mheap": "runtime.mheap_",
    "argc": "runtime.argc", "ncpu": "runtime.ncpu", "main_pc": "runtime.mainPC",
}


# Where the header lies: the kernel maps the file's first page first.
def header():
    program = Proc("cmdline").split("\0")[0]
    return [m[0] for m in Maps() if m[3] == program][0]


def section(name):
    addr = SymbolAddr(name)
    return None if addr is None else SectionOf(addr)


def place(line):
    return None if line is None else "%s:%d" % (line[0], line[1])


def at_exec(seen):
    head = header()
    text, buildid, gosymtab = Section(".text"), Section(".note.go.buildid"), Section(".gosymtab")
    mainpc = SymbolAddr("runtime.mainPC")
    facts = {"elf.section." + name: section(VARIABLES[name]) for name in VARIABLES}
    facts.update({
        "elf.class": Byte(head + 4) * 32,
        "elf.type": Byte(head + 16) + Byte(head + 17) * 256,
        "elf.machine": Byte(head + 18) + Byte(head + 19) * 256,
        "elf.gdb_type": FileType(),
        "elf.sections": Sections(),
        "elf.text.addr": text["addr"],
        "elf.buildid.addr": buildid["addr"],
        "elf.buildid.size": buildid["size"],
        "elf.buildid.below_text": buildid["addr"] + buildid["size"] == text["addr"],
        "elf.gosymtab.size": None if gosymtab is None else gosymtab["size"],
        "elf.entry.line.dwarf": place(Line(Addr("_rt0_amd64_linux"))),
        "elf.main_pc.is_main": Word(mainpc) == Addr("runtime.main"),
    })
    return facts


stops = {"exec": at_exec}

if __name__ == "__main__":
    Walk([stops])
