# What the kernel left behind when it had loaded the program: mappings, one
# thread, and the stack with the arguments. No instruction of the program has
# run yet.


def mappings_of(file):
    """What smaps says of each mapping of the file: [permissions, KiB, KiB in memory]."""
    found, mine = [], False
    for line in Proc("smaps").split("\n"):
        words = line.split()
        if not words:
            continue
        if not words[0].endswith(":"):  # "00400000-0044e000 r-xp 00000000 fe:00 99 /path"
            mine = words[-1] == file
            if mine:
                found.append([words[1], 0, 0])
        elif mine and words[0] == "Size:":
            found[-1][1] = int(words[1])
        elif mine and words[0] == "Rss:":
            found[-1][2] = int(words[1])
    return found


def status(text, key):
    for line in text.split("\n"):
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return None


def at_exec(seen):
    sp = Reg("rsp")
    command = Proc("cmdline").split("\0")[:-1]
    stack = [m for m in Maps() if m[3] == "[stack]"][0]
    argc = Word(sp)
    argv = [Word(sp + 8 * (i + 1)) for i in range(argc)]
    image = mappings_of(command[0])
    me = Proc("status")
    # The debugger plays the part of the shell. The tracer may be any thread of it.
    parent, tracer = status(me, "PPid"), status(me, "TracerPid")
    return {
        "exec.argc": argc,
        "exec.argv.rest": [Text(a) for a in argv[1:]],
        "exec.argv0.is_command": Text(argv[0]) == command[0],
        "exec.args.in_stack": stack[0] <= sp < stack[1] and all([stack[0] <= a < stack[1] for a in argv]),
        "exec.args.end": Word(sp + 8 * (argc + 1)),
        "exec.stack.size": stack[1] - stack[0],
        "exec.image.mapped": [m[0] for m in image],
        "exec.image.whole": all([m[1] == m[2] for m in image]),
        "exec.threads": len(Threads()),
        "exec.main_tid": Tid() == Pid(),
        # Whoever was taken off a processor has been on one before.
        "exec.ran_before": status(me, "voluntary_ctxt_switches") + status(me, "nonvoluntary_ctxt_switches") > 0,
        "exec.parent.is_starter": status(Proc("../%d/status" % tracer), "Tgid") == parent,
    }


stops = {"exec": at_exec}

if __name__ == "__main__":
    Walk([stops])
