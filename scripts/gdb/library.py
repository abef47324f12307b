"""Go in a program of C: what runs of it, and where.
"""

def at_init(seen):
    return {
        "library.init.goid_1": At("runtime.g", G(), "goid") == 1,
        "library.init.main_thread": Tid() == Pid(),
    }

def at_main(seen):
    return {"library.main": True}

def answered(seen):
    return {"library.main": seen.get("library.main", False)}

stops = {
    "main.init.0, any thread": at_init,
    "main.main, any thread": at_main,
    "main.answered, any thread": answered,
}

if __name__ == "__main__":
    Walk([stops])
