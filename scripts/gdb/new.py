# Where new goes: what the compiler made of it, and where the object then lies.


# The first instruction of a function that begins with one of the starts.
def first(code, *starts):
    for _, text in code:
        for start in starts:
            if text.startswith(start):
                return text
    return None


# What a function does before it decides whether its stack must grow.
def before_jump(code):
    found = []
    for _, text in code:
        if text.startswith("j"):
            return found
        found.append(text)
    return found


# Where the result is put behind the call of the allocator; None when it stays in a register.
def result(code):
    called = False
    for _, text in code:
        called = called or text.startswith("call ")
        if called and text.startswith("mov [rsp+") and text.endswith(",rax"):
            return text
    return None


# What is done right before the first call of printint.
def before_printint(code):
    last = None
    for _, text in code:
        if text.startswith("call 0x") and Symbol(int(text[len("call "):], 16)) == "runtime.printint":
            return last
        if text != "nop":
            last = text
    return None


# The calls that a function is there for; morestack belongs to its prologue.
def calls(function):
    found = Calls(function)
    return None if found is None else [name for name in found if not name.startswith("runtime.morestack")]


def code_facts():
    code = Disasm("main.test") or []
    big = "runtime.largeAlloc" if Has("runtime.largeAlloc") else "runtime.(*mcache).allocLarge"
    return {
        "new.test.calls": calls("main.test"),
        "new.local.calls": calls("main.local"),
        "new.main.calls": calls("main.main"),
        "new.main.printed": before_printint(Disasm("main.main")),
        "new.prologue": before_jump(code),
        "new.frame.room": first(code, "sub rsp,"),
        "new.frame.bp": first(code, "mov [rsp+0x10],rbp", "push rbp"),
        "new.frame.result": result(code),
        "new.span.freelist": Offset("runtime.mspan", "freelist"),
        "new.span.freeindex": True if Offset("runtime.mspan", "freeindex") is not None else None,
        "new.span.bits": True if Offset("runtime.mspan", "allocBits") is not None else None,
        "new.cache.tiny": True if Offset("runtime.mcache", "tiny") is not None else None,
        "new.big.heap": "runtime.(*mheap).alloc" in (Calls(big) or []),
    }


def at_exec(seen):
    return code_facts()


# The mapping an address lies in: [first, end].
def mapping(addr):
    for m in Maps():
        if m[0] <= addr and addr < m[1]:
            return m[:2]
    return None


def at_test_return(seen):
    made = Reg("rax") if Minor() >= 17 else Word(Reg("rsp") + 8)
    g = G()
    stack = At("runtime.g", g, "stack.lo") <= made and made < At("runtime.g", g, "stack.hi")
    return {
        "new.test.made": made,
        "new.test.on_stack": stack,
        "new.test.on_heap": not stack and mapping(made) is not None and mapping(made) == mapping(Var("runtime.allgs[0]")),
    }


def const(*names):
    found = [Const(n) for n in names if Const(n) is not None]
    return found[0] if found else None


def at_tiny_return(seen):
    a, b, c = Var("main.a"), Var("main.b"), Var("main.c")
    classes = const("runtime._NumSizeClasses", "internal/runtime/gc.NumSizeClasses")
    lists = Len("runtime.allp[0].mcache.alloc")
    return {
        "new.tiny.shared": b == a + 1 or c == b + 1,
        "new.cache.lists": lists,
        "new.cache.classes": classes,
        "new.cache.per_class": lists // classes,
    }


# How much is wanted: the first argument, in Go 1.16 behind the receiver.
def at_large(seen):
    return {"new.big.size": Word(Reg("rsp") + 8)}


def at_alloc_large(seen):
    return {"new.big.size": Reg("rbx") if Minor() >= 17 else Word(Reg("rsp") + 16)}


MIB = 1 << 20


# The heap's size when the first cycle begins; since Go 1.19 in a type of the package atomic.
def at_gc_start(seen):
    live = Var("runtime.memstats.heap_live")
    if live is None:
        type = TypeOf("runtime.gcController.heapLive")
        live = Var("runtime.gcController.heapLive" + (".value" if type.endswith("atomic.Uint64") else ""))
    return {"new.gc.live": live, "new.gc.at_four": 7 * MIB // 2 <= live and live <= 9 * MIB // 2}


stops = {
    "exec": at_exec,
    "main.test return, any thread": at_test_return,
    "main.tiny return, any thread": at_tiny_return,
    "runtime.largeAlloc, any thread": at_large,
    "runtime.(*mcache).allocLarge, any thread": at_alloc_large,
    "runtime.gcStart, any thread": at_gc_start,
}

if __name__ == "__main__":
    Walk([stops])
