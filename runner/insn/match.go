package insn

import "strings"

// Match reports whether an instruction in Go's spelling is meant by the
// pattern of a stop. "*" stands for any text; a pattern without operands
// matches any operands; one without a prefix (LOCK, REP …) any prefix. Blanks,
// "(SB)" and ".abi0" do not count; upper and lower case do. An empty pattern matches nothing.
func Match(pattern, goText string) bool {
	p, t := parse(pattern), parse(goText)
	if p.op == "" || (p.prefix != "" && p.prefix != t.prefix) || !wild(p.op, t.op) {
		return false
	}
	return p.args == "" || wild(p.args, t.args)
}

type parts struct{ prefix, op, args string }

// prefixes are the words x86asm writes in front of a mnemonic.
var prefixes = map[string]bool{
	"LOCK": true, "REP;": true, "REPNE;": true, "REP": true, "REPNE": true, "REPN": true,
	"CS": true, "DS": true, "ES": true, "SS": true, "FS": true, "GS": true,
	"XACQUIRE": true, "XRELEASE": true, "BND": true, "PT": true, "PN": true,
}

func parse(text string) parts {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "(SB)", ""), ".abi0", "")
	words := strings.Fields(text)
	n := 0
	for n < len(words)-1 && prefixes[words[n]] {
		n++
	}
	if n == len(words) {
		return parts{}
	}
	return parts{
		prefix: strings.TrimSuffix(strings.Join(words[:n], " "), ";"),
		op:     words[n],
		args:   strings.Join(words[n+1:], ""),
	}
}

// wild matches text against a pattern in which "*" is any text, in time
// proportional to the product of their lengths at worst.
func wild(pattern, text string) bool {
	star, mark := -1, 0 // the last "*" seen, and up to where it reaches
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
