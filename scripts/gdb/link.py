# Which linker made the program, and how C's start-up code hands over to Go's.


def at_exec(seen):
    sections = Sections()
    return {
        "link.dynamic": ".interp" in sections or ".dynamic" in sections,
        "link.main.code": Code("main"),
    }


def at_entry(seen):
    return {"link.entry": Symbol(Reg("rip"))}


def at_main(seen):
    command = Proc("cmdline").split("\0")[:-1]
    back = Word(Reg("rsp"))
    return {
        "link.main.di_is_argc": Reg("edi") == len(command),
        "link.main.si_is_argv": [Text(Word(Reg("rsi") + 8 * i)) for i in range(len(command))] == command,
        "link.main.called_by_libc": len([m for m in Maps() if m[0] <= back < m[1] and "/libc" in m[3]]) == 1,
    }


stops = {"exec": at_exec, "entry": at_entry, "main": at_main}

if __name__ == "__main__":
    Walk([stops])
