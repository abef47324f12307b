# The variables of the tiny program.


def at_main(seen):
    return {"tiny.answer": Var("main.answer"), "tiny.word": Var("main.word")}


stops = {"main.main": at_main}

if __name__ == "__main__":
    Walk([stops])
