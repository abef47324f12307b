# What stackinit sets up: the pools of small stacks, the lists of large ones, and
# the constants that say how many there are.


def const(*names):
    found = [Const(n) for n in names if Const(n) is not None]
    return found[0] if found else None


# How many lists of large spans there should be: one for each power of two of pages.
def formula():
    bits, shift = const("runtime.heapAddrBits"), const("runtime.pageShift", "internal/runtime/gc.PageShift")
    return None if bits is None else bits - shift


# The constant itself is not described in the DWARF of 1.10 and 1.11. What is made
# with it is: in these two releases the guard is 880 times the multiplier.
def multiplier():
    own = const("runtime/internal/sys.StackGuardMultiplier", "internal/runtime/sys.StackGuardMultiplier")
    if own is None:
        return (Const("runtime._StackGuard") - Const("runtime._StackSystem")) // 880
    return own


def constants():
    names = ["runtime._FixedStack", "runtime.fixedStack"]
    fixed, orders = const(*names), Const("runtime._NumStackOrders")
    cache = Const("runtime._StackCacheSize")
    return {
        "stack.cache.size": cache,
        "stack.cache.rest": cache % Const("runtime._PageSize"),
        "stack.fixed": fixed,
        "stack.fixed.name": ([n for n in names if Const(n) is not None] + [None])[0],
        "stack.orders": orders,
        "stack.pooled.below": fixed << orders,
        "stack.multiplier": multiplier(),
        "stack.large.formula": formula(),
    }


def at_exec(seen):
    facts = constants()
    facts.update({
        "stack.pool.len": Len("runtime.stackpool"),
        "stack.large.len": Len("runtime.stackLarge.free"),
    })
    return facts


# How many of the lists that begin one stride after the other have a first span.
def filled(first, second, count):
    return len([i for i in range(count) if Word(first + i * (second - first)) != 0])


def list_of_pool(i):
    return Addr("runtime.stackpool[%d].item.span.first" % i) or Addr("runtime.stackpool[%d].first" % i)


# Nothing between stackinit and mallocinit needs a stack.
def at_mallocinit(seen):
    large = [Addr("runtime.stackLarge.free[%d].first" % i) for i in range(2)]
    return {
        "stack.lists.filled": filled(list_of_pool(0), list_of_pool(1), seen["stack.pool.len"])
        + filled(large[0], large[1], seen["stack.large.len"]),
    }


stops = {
    "exec": at_exec,
    "runtime.mallocinit": at_mallocinit,
}

if __name__ == "__main__":
    Walk([stops])
