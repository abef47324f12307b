# Where the heap begins: the hints that mallocinit leaves, and what is built on them.
#
# When mallocinit returns nothing has been allocated from the heap, so that the
# hints stand as they were made; the first arena moves the first of them on.

C0 = 0x00C0 << 32
WORD = 8


def const(*names):
    found = [Const(n) for n in names if Const(n) is not None]
    return found[0] if found else None


# The field bitmap of heapArena up to the field behind it; no such field since 1.22.
def bitmap_bytes():
    bitmap = Offset("runtime.heapArena", "bitmap")
    if bitmap is None:
        return None
    behind = [Offset("runtime.heapArena", f) for f in ["noMorePtrs", "spans"]]
    return min([at for at in behind if at is not None]) - bitmap


# The round numbers beyond 1 TiB in the code that reserves an arena.
def added():
    found = {}
    for _, text in Disasm("runtime.(*mheap).sysAlloc") or []:
        number = text.split(",")[-1]
        if text.startswith("movabs ") and number.startswith("0x") and int(number, 16) % (1 << 40) == 0:
            found[int(number, 16)] = True
    return sorted(found)[0] if len(found) == 1 else None


def at_exec(seen):
    names = ["runtime.pageShift", "internal/runtime/gc.PageShift"]
    sizes = Addr("runtime.class_to_size") or Addr("internal/runtime/gc.SizeClassToSize")
    return {
        "heap.const.addr_bits": const("runtime.heapAddrBits"),
        "heap.const.page_shift": const(*names),
        "heap.const.page_shift.name": ([n for n in names if Const(n) is not None] + [None])[0],
        "heap.const.l2_bits": const("runtime.arenaL2Bits"),
        "heap.const.fixalloc_chunk": const("runtime._FixAllocChunk"),
        "heap.const.arena_bytes": const("runtime.heapArenaBytes"),
        "heap.const.log_arena_bytes": const("runtime.logHeapArenaBytes"),
        "heap.const.bitmap_bytes": const("runtime.heapArenaBitmapBytes"),
        "heap.const.pages_per_arena": const("runtime.pagesPerArena"),
        "heap.const.base_offset": const("runtime.arenaBaseOffset", "runtime.arenaBaseOffsetUintptr"),
        "heap.const.max_mem": const("runtime._MaxMem"),
        "heap.arena.added": added(),
        "heap.arena.bitmap_bytes": bitmap_bytes(),
        "heap.class.smallest": (Word(sizes) >> 16) & 0xFFFF,
        "heap.mheap.arrays": [f for f in ["spans", "bitmap", "arena_start", "arenas"] if Offset("runtime.mheap", f) is not None],
    }


# The addresses of a list of hints, in its order; None when there is no such list.
def hints(head):
    if head is None:
        return None
    addr, next = Offset("runtime.arenaHint", "addr"), Offset("runtime.arenaHint", "next")
    found = []
    while head != 0 and len(found) < 1000:
        found.append(Word(head + addr))
        head = Word(head + next)
    return found


def hint_facts():
    own = hints(Var("runtime.mheap_.arenaHints"))
    if own is None:
        names = ["count", "user", "all", "rising", "formula"]
        return {"heap.hint." + n: None for n in names}
    user = hints(Var("runtime.mheap_.userArena.arenaHints"))
    both = own + (user or [])
    return {
        "heap.hint.count": len(own),
        "heap.hint.user": None if user is None else len(user),
        "heap.hint.all": len(both),
        "heap.hint.rising": len([i for i in range(1, len(own)) if own[i] - own[i - 1] != 1 << 40]) == 0,
        "heap.hint.formula": len([i for i in range(len(both)) if both[i] != (i << 40) + C0]) == 0,
    }


# The three arrays of 1.10 lie in one reservation: spans, bitmap, arena.
def linear_facts():
    spans, bitmap = Addr("runtime.mheap_.spans"), Var("runtime.mheap_.bitmap")
    if spans is None:
        return {"heap.linear.set_up": None}
    if bitmap is None:
        return {"heap.base": Word(spans), "heap.linear.set_up": None}
    start = Var("runtime.mheap_.arena_start")
    return {
        "heap.base": Word(spans),
        "heap.linear.set_up": Word(spans) < bitmap and bitmap <= start and start < Var("runtime.mheap_.arena_end"),
        "heap.bitmap.bits_per_word": (bitmap - Word(spans) - WORD * Word(spans + 16)) * 8 * WORD // (Const("runtime._MaxMem") + 1),
    }


# How many bits of the seed went into the base; none of the seed is there before 1.26.
def random_bits():
    left = Var("runtime.heapRandSeedBitsRemaining")
    if left is None:
        return None
    return 64 - left if left != 0 else 0


def at_mallocinit_return(seen):
    m0, own = Var("runtime.m0.mcache"), Var("runtime.mcache0")
    arena, bitmap = seen["heap.const.arena_bytes"], seen["heap.arena.bitmap_bytes"]
    facts = {
        "heap.bitmap.bits_per_word": None if bitmap is None else bitmap * 8 * WORD // arena,
        "heap.mcache.in_m0": None if m0 is None else m0 != 0,
        "heap.mcache.in_mcache0": None if own is None else own != 0,
        "heap.by_size.smallest": Var("runtime.memstats.by_size[1].size"),
        "heap.random.bits": random_bits(),
    }
    facts.update(hint_facts())
    if Var("runtime.mheap_.arenaHints") is not None:
        facts["heap.base"] = At("runtime.arenaHint", Var("runtime.mheap_.arenaHints"), "addr")
    facts.update(linear_facts())
    facts["heap.base.is_c0"] = facts["heap.base"] == C0
    return facts


# What of the arena's 64 MiB around an address is mapped, and what of it can be used.
def mapped(addr):
    lo = addr >> 26 << 26
    reserved, usable = 0, 0
    for m in Maps():
        size = min(m[1], lo + (64 << 20)) - max(m[0], lo)
        if size > 0:
            reserved += size
            if m[2].startswith("rw"):
                usable += size
    return reserved, usable


def round_up(n, unit):
    return (n + unit - 1) // unit * unit


# In 1.10 an entry of spans stands for a page of 8192 bytes, a byte of bitmap for
# 32; both are mapped a little ahead, spans by 4096 bytes, the bitmap by 8192.
def in_step():
    spans = Addr("runtime.mheap_.spans")
    if spans is None:
        return None
    used = Var("runtime.mheap_.arena_used") - Var("runtime.mheap_.arena_start")
    entries = round_up(used // 8192 * WORD, 4096) // WORD
    return used > 0 and Word(spans + 8) == entries and Var("runtime.mheap_.bitmap_mapped") == round_up(used // 32, 8192)


def at_main(seen):
    g = Var("runtime.allgs[0]")
    reserved, usable = mapped(g)
    return {
        "heap.first": g,
        "heap.first.in_c0": g >> 26 == C0 >> 26,
        "heap.map.reserved": reserved,
        "heap.map.all_usable": usable == 64 << 20,
        "heap.linear.in_step": in_step(),
    }


stops = {
    "exec": at_exec,
    "runtime.mallocinit return": at_mallocinit_return,
    "runtime.main": at_main,
}

if __name__ == "__main__":
    Walk([stops])
