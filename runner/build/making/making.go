// Package making is the account of how a toolchain makes a fixture: the commands
// that go build runs, what it says, and whether there is a program in the end.
package making

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Account is what is told of one making.
type Account struct {
	// Commands are all that a making from scratch takes, the standard library's
	// included, in their order.
	Commands []Command
	// Built is whether there was a program in the end.
	Built bool
	// Messages are the lines that the toolchain wrote, comments ("# package") left out.
	Messages []string
}

// Command is one run of a tool.
type Command struct {
	Package string   // import path of the package it is for; that of the main package for the linker
	Tool    string   // "compile", "asm", "pack", "link"
	Args    []string // with $WORK for the folder of the build and $GOROOT for that of the release
}

// ReadFile reads an account from a file.
func ReadFile(name string) (Account, error) {
	f, err := os.Open(name)
	if err != nil {
		return Account{}, fmt.Errorf("read the account of a making: %w", err)
	}
	defer f.Close()
	return Read(f)
}

// Read reads an account as Write writes it.
func Read(r io.Reader) (a Account, err error) {
	if err := json.NewDecoder(r).Decode(&a); err != nil {
		return Account{}, fmt.Errorf("read the account of a making: %w", err)
	}
	return a, nil
}

// Write writes the account.
func (a Account) Write(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(a); err != nil {
		return fmt.Errorf("write the account of a making: %w", err)
	}
	return nil
}

// Commands returns the runs of the tools below GOROOT/pkg/tool in what
// `go build -n` prints: a shell script in which each package begins with
//
//	#
//	# runtime
//	#
func Commands(printed, goroot string) []Command {
	var commands []Command
	pkg := ""
	lines := strings.Split(printed, "\n")
	for i, line := range lines {
		if name, ok := strings.CutPrefix(line, "# "); ok && i > 0 && lines[i-1] == "#" {
			pkg = name
			continue
		}
		words := split(line)
		for len(words) > 0 && isSetting(words[0]) { // GOROOT='…' link …
			words = words[1:]
		}
		if len(words) == 0 || !strings.HasPrefix(words[0], goroot+"/pkg/tool/") {
			continue
		}
		args := words[1:]
		for i, a := range args {
			if a == "#" { // the go command's own remark
				args = args[:i]
				break
			}
			args[i] = strings.ReplaceAll(a, goroot, "$GOROOT")
		}
		commands = append(commands, Command{Package: pkg, Tool: path.Base(words[0]), Args: args})
	}
	return commands
}

// Messages are the lines of what a go command wrote that say something.
func Messages(says string) []string {
	lines := []string{}
	for line := range strings.Lines(says) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "# ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func isSetting(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// split cuts a line of shell into words. The go command quotes with ' and ";
// within double quotes it escapes as Go does.
func split(line string) []string {
	var words []string
	var word strings.Builder
	open, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote == '"' && c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			open, quote = true, c
		case c == ' ':
			if open {
				words = append(words, word.String())
			}
			open = false
			word.Reset()
		default:
			open = true
			word.WriteByte(c)
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}
