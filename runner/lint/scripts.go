package lint

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/place"
)

// scripts holds catalogue, scripts and claims against each other.
func (l *linter) scripts() {
	asked := l.asked()
	for _, subject := range slices.Sorted(maps.Keys(l.own.Subjects)) {
		facts := map[string]fact.Spec{}
		for name, spec := range l.own.Catalogue {
			if fact.Subject(name) == subject {
				facts[name] = spec
			}
		}
		l.spelling(l.own.Subjects[subject], facts)
		sources := map[string]*source{}
		for _, k := range kinds {
			file := k.File(subject)
			text, err := fs.ReadFile(l.fsys, file)
			if err != nil {
				l.missing(k, subject, asked)
				continue
			}
			s, err := k.read(file, string(text))
			if err != nil {
				var bad *sourceError
				if !errors.As(err, &bad) {
					bad = &sourceError{msg: err.Error()}
				}
				l.add(ruleScript, file, bad.line, "%s", bad.msg)
				continue
			}
			sources[k.witness] = s
			l.table(k, file, s, facts)
			l.names(file, s, subject)
		}
		l.served(subject, facts, sources, asked)
	}
}

// asked returns the claims by fact and witness.
func (l *linter) asked() map[string]map[string][]*lab.Claim {
	asked := map[string]map[string][]*lab.Claim{}
	for _, x := range l.all.Labs {
		for _, c := range x.Claims {
			if asked[c.Fact] == nil {
				asked[c.Fact] = map[string][]*lab.Claim{}
			}
			for _, w := range c.Witnesses {
				asked[c.Fact][w] = append(asked[c.Fact][w], c)
			}
		}
	}
	return asked
}

// missing reports the claims that ask a witness for facts of a subject it has no script of.
func (l *linter) missing(k kind, subject string, asked map[string]map[string][]*lab.Claim) {
	for name, witnesses := range asked {
		if fact.Subject(name) != subject {
			continue
		}
		for _, c := range witnesses[k.witness] {
			l.add(ruleScript, c.File, c.Lines.Of("witnesses"), "claim %q asks %s for %s, but there is no %s", c.ID, k.witness, name, k.File(subject))
		}
	}
}

// spelling parses the stops of the catalogue.
func (l *linter) spelling(file string, facts map[string]fact.Spec) {
	for _, spec := range facts {
		for _, stop := range spec.At {
			l.stop(file, spec.Line, stop)
		}
	}
}

func (l *linter) stop(file string, line int, text string) {
	if text == place.Image || text == place.Exit {
		return
	}
	if _, err := place.ParseStop(text); err != nil {
		l.add(ruleStop, file, line, "%v", err)
	}
}

// table looks at the keys of one script's table.
func (l *linter) table(k kind, file string, s *source, facts map[string]fact.Spec) {
	listed := map[string]bool{}
	for _, spec := range facts {
		for _, stop := range spec.At {
			listed[stop] = true
		}
	}
	seen := map[string]bool{}
	for _, stop := range s.stops {
		switch {
		case seen[stop.text]:
			l.add(ruleTable, file, stop.line, "stop %q stands twice in the table; the second hides the first", stop.text)
		case k.witness == "static" && stop.text != place.Image:
			l.add(ruleTable, file, stop.line, "the static witness has one stop, %q; %q is a debugger's", place.Image, stop.text)
		case stop.text == place.Image && k.witness != "static":
			l.add(ruleTable, file, stop.line, "%q is the static witness's stop, not a debugger's", place.Image)
		case stop.text == place.Exit && k.witness != "ebpf":
			l.add(ruleTable, file, stop.line, "%q is the stop of ebpf; nothing is left there for a debugger", place.Exit)
		case !k.reaches(stop.text):
			l.add(ruleTable, file, stop.line, "%q is a range, through which only a debugger steps", stop.text)
		case !listed[stop.text]:
			l.add(ruleTable, file, stop.line, "no fact of the catalogue says at: %q%s", stop.text, near.Hint(stop.text, slices.Sorted(maps.Keys(listed))))
		default:
			l.stop(file, stop.line, stop.text)
		}
		seen[stop.text] = true
	}
}

// names holds the names of facts that a script spells against the catalogue.
func (l *linter) names(file string, s *source, subject string) {
	known := slices.Sorted(maps.Keys(l.all.Catalogue))
	for _, lit := range s.literals {
		of := fact.Subject(lit.text)
		if !lit.name || of == lit.text || l.all.Subjects[of] == "" {
			continue
		}
		if _, ok := l.all.Catalogue[lit.text]; !ok {
			l.add(ruleSpelled, file, lit.line, "fact %q is not in %s%s", lit.text, l.all.Subjects[of], near.Hint(lit.text, known))
		} else if of != subject && !lit.index {
			l.add(ruleSpelled, file, lit.line, "fact %q is of the subject %q; a script returns facts of its own", lit.text, of)
		}
	}
}

// served holds every fact against the scripts that must return it.
func (l *linter) served(subject string, facts map[string]fact.Spec, sources map[string]*source, asked map[string]map[string][]*lab.Claim) {
	file := l.own.Subjects[subject]
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		spec := facts[name]
		somewhere, readable := map[string]bool{}, false
		for _, k := range kinds {
			s := sources[k.witness]
			claims := asked[name][k.witness]
			if s == nil {
				continue // missing or unreadable: reported
			}
			readable = true
			own := slices.DeleteFunc(slices.Clone(spec.At), func(stop string) bool { return !k.reaches(stop) })
			if len(claims) > 0 && len(own) == 0 {
				c := claims[0]
				l.add(ruleTable, c.File, c.Lines.Of("fact"), "claim %q asks %s for %s, which has no stop for it (%s:%d)", c.ID, k.witness, name, file, spec.Line)
			}
			if len(claims) > 0 && len(own) > 0 && !s.spells(name) {
				l.add(ruleSpelled, k.File(subject), 0, "never returns the fact %q, for which a claim asks %s", name, k.witness)
			}
			for _, stop := range own {
				has := slices.ContainsFunc(s.stops, func(x literal) bool { return x.text == stop })
				if has {
					somewhere[stop] = true
				} else if len(claims) > 0 {
					l.add(ruleTable, k.File(subject), 0, "the table has no stop %q, at which %s is to be seen%s", stop, name, near.Hint(stop, s.keys()))
				}
			}
		}
		if !readable || len(asked[name]) > 0 {
			continue
		}
		for _, stop := range spec.At {
			if !somewhere[stop] {
				l.add(ruleTable, file, spec.Line, "fact %q: no script has the stop %q", name, stop)
			}
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(sources)), func(s *source) bool { return s.spells(name) }) {
			l.add(ruleSpelled, file, spec.Line, "fact %q: no script returns it", name)
		}
	}
}

func (s *source) keys() []string {
	var keys []string
	for _, k := range s.stops {
		keys = append(keys, k.text)
	}
	return keys
}

// spells reports whether the name of the fact stands in the script, whole or
// as the fixed beginning of a name that the script puts together ("cpu.reg." + r, "cpu.%s").
func (s *source) spells(name string) bool {
	for _, lit := range s.literals {
		if lit.text == name {
			return true
		}
		start := lit.text
		if i := strings.IndexAny(start, "%{"); i >= 0 {
			start = start[:i]
		} else if !strings.HasSuffix(start, ".") && !strings.HasSuffix(start, "_") {
			continue
		}
		if strings.Contains(start, ".") && strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}
