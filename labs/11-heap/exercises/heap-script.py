def count(hint):
    n = 0
    for _ in range(1000):
        if not hint:
            break
        hint, n = At("runtime.arenaHint", hint, "next"), n + 1
    return n

def look(seen):
    own = count(Var("runtime.mheap_.arenaHints"))
    return {"heap.hint.count": own, "heap.hint.all": own + count(Var("runtime.mheap_.userArena.arenaHints"))}

stops = {"runtime.mallocinit return": look}
