package place

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrStop is wrapped by ParseStop; the text quotes the stop and says what is expected.
var ErrStop = errors.New("not a stop")

// Image is the only stop of the static witness: the binary itself, not running.
// It is no place in it, so ParseStop refuses it.
const Image = "image"

// Exit is the stop of the witness ebpf for the end of the process. A process
// that has ended cannot be looked at, so it is none of a debugger's, and ParseStop refuses it.
const Exit = "exit"

// Kind says what a stop's words mean.
type Kind uint8

// The kinds of a stop. The zero Kind is no stop.
const (
	Exec        Kind = iota + 1 // "exec": the first instruction after execve
	Entry                       // "entry": where the kernel or the dynamic linker enters the binary
	Function                    // "F", "F #n": the function's first instruction
	Instruction                 // "F: INSN [#n]"
	After                       // "F: after INSN [#n]": the instruction that follows it
	Return                      // "F return": every RET of the function's body
)

// Stop is a stop in its parts.
type Stop struct {
	// Text is the whole stop as the script spells it.
	Text string
	Kind Kind
	// Func is F: a function's name as its package and the linker spell it,
	// "runtime.schedinit", "runtime.(*mheap).init", "_rt0_amd64_linux".
	Func string
	// Inst is INSN, matched with insn.Match.
	Inst string
	// Nth says which instruction of F that matches Inst, counted from 1.
	Nth int
	// Hit says which time the function is entered, counted from 1.
	Hit int
	// To is B of a range "A .. B"; the fields above are A's.
	To *Stop
	// AnyThread is set by the suffix ", any thread"; on the whole, never on To.
	AnyThread bool
}

const (
	anyThread = ", any thread"
	between   = " .. "
	expected  = `exec, entry, F, F #n, F: INSN [#n], F: after INSN [#n], F return, or a range A .. B of two of these; each may end in ", any thread"`
)

// ParseStop takes a stop apart. Every error wraps ErrStop.
func ParseStop(text string) (Stop, error) {
	rest, onAny := strings.CutSuffix(text, anyThread)
	from, to, ranged := strings.Cut(rest, between)
	s, err := parseOne(from)
	if err != nil {
		return Stop{}, fmt.Errorf("%w: %q: %w; expected %s", ErrStop, text, err, expected)
	}
	if ranged {
		end, err := parseOne(to)
		switch {
		case err != nil:
		case end.Kind == Exec:
			err = errors.New("exec is before everything and cannot end a range")
		case end.Hit != 1:
			err = errors.New("the end of a range is where it is passed first, it takes no #n")
		}
		if err != nil {
			return Stop{}, fmt.Errorf("%w: %q: after %q: %w; expected %s", ErrStop, text, strings.TrimSpace(between), err, expected)
		}
		s.To = &end
	}
	s.Text, s.AnyThread = text, onAny
	return s, nil
}

// parseOne parses what is neither a range nor has the suffix for threads.
func parseOne(text string) (Stop, error) {
	s := Stop{Text: text, Nth: 1, Hit: 1}
	switch text {
	case "":
		return s, errors.New("empty")
	case "exec":
		s.Kind = Exec
		return s, nil
	case "entry":
		s.Kind = Entry
		return s, nil
	case Image:
		return s, errors.New("image is the static witness's: the file, not a place in it")
	case Exit:
		return s, errors.New("exit is the witness ebpf's: the end of the process, not a place in it")
	}
	name, inst, isInst := strings.Cut(text, ": ")
	if isInst {
		return s.instruction(name, inst)
	}
	if f, ok := strings.CutSuffix(text, " return"); ok {
		s.Kind, s.Func = Return, f
		return s, checkName(f)
	}
	f, n, err := number(text)
	if err != nil {
		return s, err
	}
	s.Kind, s.Func, s.Hit = Function, f, n
	return s, checkName(f)
}

func (s Stop) instruction(name, inst string) (Stop, error) {
	s.Kind, s.Func = Instruction, name
	if err := checkName(name); err != nil {
		return s, err
	}
	inst, n, err := number(inst)
	if err != nil {
		return s, err
	}
	if after, ok := strings.CutPrefix(inst, "after "); ok {
		s.Kind, inst = After, after
	}
	s.Inst, s.Nth = inst, n
	switch {
	case strings.TrimSpace(inst) != inst || inst == "" || inst == "after":
		return s, fmt.Errorf("no instruction behind %q", name+":")
	case strings.Contains(inst, "#"):
		return s, fmt.Errorf(`the instruction %q has a "#" that is no number at the end`, inst)
	}
	return s, nil
}

// number cuts " #n" off; n is 1 where there is none.
func number(text string) (rest string, n int, err error) {
	i := strings.LastIndex(text, " #")
	if i < 0 {
		return text, 1, nil
	}
	digits := text[i+2:]
	n, err = strconv.Atoi(digits)
	if err != nil || n < 1 || digits[0] == '+' {
		return "", 0, fmt.Errorf("%q is no count from 1", "#"+digits)
	}
	return text[:i], n, nil
}

func checkName(f string) error {
	switch f {
	case "exec", "entry", Image, Exit:
		return fmt.Errorf("%s is no function and takes nothing more", f)
	}
	if f == "" || strings.ContainsAny(f, " \t\n#,") || strings.HasSuffix(f, ":") {
		return fmt.Errorf("%q is no name of a function", f)
	}
	return nil
}
