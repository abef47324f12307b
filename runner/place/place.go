// Package place turns stops (words for a place in the boot) into addresses of
// one binary. It is the one resolver: every witness and the start-up timer
// look at the same addresses, in spite of ABI wrappers, ".abi0" names and
// inlining.
package place

// State tells whether a stop exists in a binary.
type State string

// The states of a place.
const (
	// Placed: the addresses are known.
	Placed State = "placed"
	// Absent: the function or instruction is gone from this release. Its facts
	// are seen as absent.
	Absent State = "absent"
	// Unplaced: it is there in the source but has no address of its own
	// (inlined without a record, no symbols). Its facts are untested.
	Unplaced State = "unplaced"
)

// Place is a stop in one binary.
type Place struct {
	// Stop is the text of the stop as the script spells it: the key of its table.
	Stop  string `json:"stop"`
	State State  `json:"state"`
	// Exec is set for the stop "exec": the first instruction after execve,
	// which has no address in the binary (ld.so's, for a dynamic one).
	Exec bool `json:"exec,omitempty"`
	// Addrs are link-time virtual addresses; any of them is the place (several RETs,
	// several inlined bodies).
	Addrs []uint64 `json:"addrs,omitempty"`
	// To is set for a range "A .. B": the addresses of B. The driver steps from
	// Addrs to To and calls the script at every instruction, B not included.
	To []uint64 `json:"to,omitempty"`
	// Hit says which time the place is passed, counted from 1. What is counted is
	// that a thread arrives there, and a goroutine may arrive twice for one call:
	// the runtime sends it back to the entry of a function when it takes the
	// processor away there or in the check of the stack. For "F #n" the debuggers
	// leave such a second arrival out when it leaves its trace, which is an
	// address of F under an unmoved stack pointer. They do not see it when the
	// stack grew and so moved, nor when the same call is sent back once more, nor
	// at "F: INSN #n" before whose instruction the processor is taken away. So ask
	// for a time (n > 1) only of what runs before there are other goroutines or
	// needs little stack, or set GODEBUG=asyncpreemptoff=1 in the setup, or name
	// the call in the caller instead: "G: CALL F #n".
	Hit int `json:"hit"`
	// AnyThread is set when a thread other than the first may pass it.
	AnyThread bool `json:"any_thread,omitempty"`
	// Reason says in words why it is Absent or Unplaced.
	Reason string `json:"reason,omitempty"`
}
