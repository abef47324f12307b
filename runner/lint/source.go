package lint

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"go.starlark.net/syntax"

	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/place"
)

// kind is the scripts of one witness.
type kind struct {
	lab.Scripts
	witness string
	read    func(file, src string) (*source, error)
}

var kinds = []kind{
	{lab.ScriptsOf["delve"], "delve", readStarlark},
	{lab.ScriptsOf["gdb"], "gdb", readPython},
	{lab.ScriptsOf["static"], "static", readStarlark},
	{lab.ScriptsOf["ebpf"], "ebpf", readStarlark},
}

// reaches reports whether the witness can look at the stop at all: the file
// is for the static witness, which has nothing else, the end of the process for
// ebpf, and only a debugger steps through a range.
func (k kind) reaches(stop string) bool {
	switch {
	case k.witness == "static" || stop == place.Image:
		return k.witness == "static" && stop == place.Image
	case stop == place.Exit:
		return k.witness == "ebpf"
	}
	return k.witness != "ebpf" || !strings.Contains(stop, " .. ")
}

// source is what can be told of a script without running it.
type source struct {
	stops    []literal // the keys of its table
	literals []literal // all other texts in it
}

// literal is a text in a script.
type literal struct {
	text string
	line int
	// name tells that it stands where the name of a fact can stand: as a key of a
	// dict, as an index or as the argument of get. In the last two places the fact may be
	// another subject's.
	name, index bool
}

// sourceError is why a script cannot be read.
type sourceError struct {
	line int
	msg  string
}

func (e *sourceError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.msg) }

var (
	errNoTable = &sourceError{0, `no table "stops = {…}" at the top level`}
	notText    = "a key of stops must be a text, so that it can be read without running the script"
)

// readStarlark parses the script; nothing of it is run.
func readStarlark(file, src string) (*source, error) {
	options := syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}
	tree, err := options.Parse(file, src, 0)
	if err != nil {
		var bad syntax.Error
		if errors.As(err, &bad) {
			return nil, &sourceError{int(bad.Pos.Line), "does not parse: " + bad.Msg}
		}
		return nil, &sourceError{0, "does not parse: " + err.Error()}
	}
	var table *syntax.DictExpr
	for _, stmt := range tree.Stmts {
		assign, ok := stmt.(*syntax.AssignStmt)
		if !ok {
			continue
		}
		name, isName := assign.LHS.(*syntax.Ident)
		dict, isDict := assign.RHS.(*syntax.DictExpr)
		if isName && isDict && name.Name == "stops" {
			table = dict
		}
	}
	if table == nil {
		return nil, errNoTable
	}
	s := &source{}
	names, indexes := map[syntax.Expr]bool{}, map[syntax.Expr]bool{}
	keys := map[syntax.Expr]bool{}
	for _, e := range table.List {
		key := e.(*syntax.DictEntry).Key
		text, ok := stringOf(key)
		if !ok {
			start, _ := key.Span()
			return nil, &sourceError{int(start.Line), notText}
		}
		keys[key] = true
		s.stops = append(s.stops, text)
	}
	syntax.Walk(tree, func(n syntax.Node) bool {
		switch x := n.(type) {
		case *syntax.DictEntry:
			names[x.Key] = true
		case *syntax.IndexExpr:
			indexes[x.Y] = true
		case *syntax.CallExpr:
			if dot, ok := x.Fn.(*syntax.DotExpr); ok && dot.Name.Name == "get" && len(x.Args) > 0 {
				indexes[x.Args[0]] = true
			}
		case *syntax.Literal:
			if text, ok := stringOf(x); ok && !keys[x] {
				text.name, text.index = names[x] || indexes[x], indexes[x]
				s.literals = append(s.literals, text)
			}
		}
		return true
	})
	return s, nil
}

func stringOf(e syntax.Expr) (literal, bool) {
	x, ok := e.(*syntax.Literal)
	if !ok || x.Token != syntax.STRING {
		return literal{}, false
	}
	return literal{text: x.Value.(string), line: int(x.TokenPos.Line)}, true
}

// word is a token of Python, as far as tables and texts need it: a text, a name or one character.
type word struct {
	text   string
	line   int
	quoted bool
	depth  int // of brackets around it
}

// readPython looks at the tokens of the script: enough to find its table and its texts.
func readPython(_, src string) (*source, error) {
	words, err := pythonWords(src)
	if err != nil {
		return nil, err
	}
	at := func(i int) word {
		if i < 0 || i >= len(words) {
			return word{}
		}
		return words[i]
	}
	is := func(i int, text string) bool { return !at(i).quoted && at(i).text == text }
	s := &source{}
	found := false
	for i := range words {
		if is(i, "stops") && at(i).depth == 0 && is(i+1, "=") && is(i+2, "{") {
			found = true
			s.stops, err = pythonTable(words[i+3:])
			if err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, errNoTable
	}
	for i, w := range words {
		if !w.quoted || isStop(s.stops, w) {
			continue
		}
		key := is(i+1, ":") && (is(i-1, "{") || is(i-1, ","))
		index := is(i-1, "[") && is(i+1, "]")
		get := is(i-1, "(") && is(i-2, "get")
		s.literals = append(s.literals, literal{w.text, w.line, key || index || get, index || get})
	}
	return s, nil
}

func isStop(stops []literal, w word) bool {
	for _, s := range stops {
		if s.text == w.text && s.line == w.line {
			return true
		}
	}
	return false
}

// pythonTable reads the keys of a dict; words begin behind its opening brace.
func pythonTable(words []word) ([]literal, error) {
	var stops []literal
	expectKey := true
	for _, w := range words {
		switch {
		case w.depth == 1 && w.text == "}" && !w.quoted:
			return stops, nil
		case w.depth == 1 && w.text == "," && !w.quoted:
			expectKey = true
		case !expectKey:
		case !w.quoted:
			return nil, &sourceError{w.line, notText}
		default:
			stops = append(stops, literal{text: w.text, line: w.line})
			expectKey = false
		}
	}
	return nil, &sourceError{words[len(words)-1].line, "does not parse: stops has no closing brace"}
}

func pythonWords(src string) ([]word, error) {
	var words []word
	line, depth := 1, 0
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '\\':
			i++
		case c == '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case c == '"' || c == '\'':
			text, n, ok := pythonString(src[i:])
			if !ok {
				return nil, &sourceError{line, "does not parse: a text has no closing quote"}
			}
			if !strings.HasPrefix(src[i:], strings.Repeat(string(c), 3)) { // else a docstring
				words = append(words, word{text, line, true, depth})
			}
			line += strings.Count(src[i:i+n], "\n")
			i += n
		case isNamePart(c):
			n := 1
			for i+n < len(src) && isNamePart(src[i+n]) {
				n++
			}
			// A prefix of a text (r"…", f"…") is no word of its own.
			if next := i + n; n > 2 || next >= len(src) || src[next] != '"' && src[next] != '\'' {
				words = append(words, word{src[i : i+n], line, false, depth})
			}
			i += n
		default:
			if strings.IndexByte(")]}", c) >= 0 && depth > 0 {
				words = append(words, word{string(c), line, false, depth})
				depth--
			} else {
				if strings.IndexByte("([{", c) >= 0 {
					depth++
				}
				words = append(words, word{string(c), line, false, depth})
			}
			i++
		}
	}
	return words, nil
}

func isNamePart(c byte) bool {
	return c == '_' || c >= 0x80 || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))
}

// pythonString reads the text that src begins with; n is how many bytes it takes.
func pythonString(src string) (text string, n int, ok bool) {
	quote := src[:1]
	if strings.HasPrefix(src, strings.Repeat(quote, 3)) {
		quote = src[:3]
	}
	var b strings.Builder
	for i := len(quote); i < len(src); i++ {
		switch {
		case strings.HasPrefix(src[i:], quote):
			return b.String(), i + len(quote), true
		case src[i] == '\\' && i+1 < len(src):
			i++
			b.WriteByte(src[i]) // no stop and no fact has a control character in its name
		case src[i] == '\n' && len(quote) == 1:
			return "", 0, false
		default:
			b.WriteByte(src[i])
		}
	}
	return "", 0, false
}
