package place

import (
	"fmt"
	"slices"

	"github.com/rt0lab/rt0lab/runner/image"
	"github.com/rt0lab/rt0lab/runner/insn"
)

// abi0 ends the linker's name of a function's ABI0 side, which is the body of
// one written in assembly and a wrapper of one written in Go (since 1.17).
const abi0 = ".abi0"

// bodiesOf returns the bodies of the function called name: none when it has no
// code of its own, several only when several functions are called so (static
// ones of C). Where the image cannot tell a wrapper, of a release whose table
// of functions is not known yet, its code does.
func bodiesOf(img *image.Image, name string) ([]image.Func, error) {
	all, err := img.Bodies(name)
	if err != nil || len(all) < 2 {
		return all, err
	}
	if _, sides, _ := img.Symbol(name + abi0); !sides {
		return all, nil
	}
	if len(all) == 2 {
		switch first, second := calls(img, all[0], all[1]), calls(img, all[1], all[0]); {
		case first && !second:
			return all[1:], nil
		case second && !first:
			return all[:1], nil
		}
	}
	return nil, fmt.Errorf("%s has %d symbols and it cannot be told which is the wrapper", name, len(all))
}

// calls reports whether the code of a calls or jumps to the entry of b: what
// an ABI wrapper is there for, while a body never calls its own wrapper.
func calls(img *image.Image, a, b image.Func) bool {
	insts, err := decode(img, a)
	return err == nil && slices.ContainsFunc(insts, func(in insn.Inst) bool { return in.Target == b.Entry })
}

func decode(img *image.Image, f image.Func) ([]insn.Inst, error) {
	code, err := img.Bytes(f.Entry, int(f.End-f.Entry))
	if err != nil {
		return nil, err
	}
	return insn.Decode(img.GOARCH, code, f.Entry, img.NameAt)
}
