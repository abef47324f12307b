package delve

import "golang.org/x/sys/unix"

// gone tells whether the fixture has ended and been reaped. A fixture that dies
// while it is stepped gives an error of which Delve keeps only the text
// (native/threads.go, StepInstruction); by then Delve has waited for it and
// forgotten how it died.
func (w *walker) gone() bool { return unix.Kill(w.pid, 0) == unix.ESRCH }
