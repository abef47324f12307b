package lint

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/lab/near"
	"github.com/rt0lab/rt0lab/runner/release/constraint"
)

// minWords is the length below which a README.md is no lesson.
const minWords = 150

// labs looks at each lab by itself: texts, posts, types, regular expressions, constraints, README.
func (l *linter) labs() {
	for _, x := range l.own.Labs {
		l.text(x.File, 0, "the lab's title", x.Title)
		l.readme(x)
		for _, name := range slices.Sorted(maps.Keys(x.Setups)) {
			s := x.Setups[name]
			l.constraint(s.File, s.Lines.Of("go"), s.Go)
		}
		for _, c := range x.Claims {
			l.claim(c)
			if s := x.Setups[c.Setup]; s != nil && c.Fact != "" {
				l.runs(c, s)
				l.starts(c, s)
			}
		}
		for _, m := range x.Mutants {
			l.text(m.File, m.Lines.Of("says"), "says", m.Says)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.own.Catalogue)) {
		s := l.own.Catalogue[name]
		file := l.own.Subjects[fact.Subject(name)]
		if file == "" { // of another subject, which the loader reported
			continue
		}
		l.text(file, s.Line, "fact "+name, lab.Text{En: s.En, Zh: s.Zh})
		if s.Type != "" && !s.Over.Fits(s.Type) {
			l.add(ruleOver, file, s.Line, "fact %s: over: %s does not go with type %s (min, max: integers; any, every: bool; union: lists)", name, s.Over, s.Type)
		}
	}
	for _, g := range l.own.Known {
		l.text(g.File, g.Line, "the title of section "+g.Section, g.Title)
	}
}

func (l *linter) claim(c *lab.Claim) {
	l.text(c.File, c.Lines.Of("says"), "says", c.Says)
	if _, said := c.Lines["unobservable"]; said {
		l.text(c.File, c.Lines.Of("unobservable"), "unobservable", c.Unobservable)
	}
	if _, said := c.Lines["no_mutant"]; said {
		l.text(c.File, c.Lines.Of("no_mutant"), "no_mutant", c.NoMutant)
	}
	for _, ch := range c.Changes {
		l.text(c.File, ch.Line, "why", ch.Why)
	}
	for _, s := range c.Posts {
		if _, ok := l.all.Posts[s.Post]; !ok && s.Post != "" {
			posts := slices.Sorted(maps.Keys(l.all.Posts))
			l.add(rulePost, c.File, s.Line, "claim %q: post %q is not in labs/posts.yaml%s", c.ID, s.Post, near.Hint(s.Post, posts))
		}
	}
	for _, w := range c.Witnesses {
		if _, ok := lab.ScriptsOf[w]; !ok && c.Fact != "" {
			l.add(ruleScript, c.File, c.Lines.Of("witnesses"), "claim %q asks %s, for which nobody can write a script yet: it would never be heard", c.ID, w)
		}
	}
	if c.Expect.Matches != "" {
		if _, err := regexp.Compile(c.Expect.Matches); err != nil {
			l.add(ruleRegexp, c.File, c.Lines.Of("expect"), "claim %q: %v", c.ID, err)
		}
	}
	if spec, ok := l.all.Catalogue[c.Fact]; ok {
		if why := unfit(c.Expect, spec.Type); spec.Type != "" && why != "" {
			l.add(ruleType, c.File, c.Lines.Of("expect"), "claim %q: %s, but fact %s is of type %s", c.ID, why, c.Fact, spec.Type)
		}
	}
}

// runs holds together what a setup's runs are and what becomes of them.
func (l *linter) runs(c *lab.Claim, s *lab.Setup) {
	spec := l.all.Catalogue[c.Fact]
	switch {
	case s.Runs < 2 && spec.Over != "":
		l.add(ruleOver, c.File, c.Line, "claim %q: fact %s is over several runs (%s), but the setup %q runs once", c.ID, c.Fact, spec.Over, s.Name)
	case s.Runs > 1 && !slices.ContainsFunc(c.Witnesses, func(w string) bool { return !lab.ScriptsOf[w].Still }):
		l.add(ruleOver, c.File, c.Line, "claim %q: the setup %q runs %d times, but only static is asked, which starts nothing", c.ID, s.Name, s.Runs)
	}
}

// starts holds that nobody is to start what is no fixture's program.
func (l *linter) starts(c *lab.Claim, s *lab.Setup) {
	if s.Tool == "" && !s.Making {
		return
	}
	for _, w := range c.Witnesses {
		if kind, ok := lab.ScriptsOf[w]; ok && !kind.Still {
			l.add(string(lab.RuleSetup), c.File, c.Lines.Of("witnesses"), "claim %q asks %s, but the setup %q has no program to start; ask static", c.ID, w, s.Name)
		}
	}
}

// unfit says why the predicate can never be true of a fact of the type, "" when it can.
func unfit(p lab.Predicate, t fact.Type) string {
	fits := func(vs []fact.Value, t fact.Type, key string) string {
		for _, v := range vs {
			if v.IsValid() && !fitsDeep(t, v) {
				return key + " has " + describe(v)
			}
		}
		return ""
	}
	isList := t == fact.TypeList || t == fact.TypeHexList
	var element fact.Type
	if t == fact.TypeHexList {
		element = fact.TypeAddress
	}
	switch {
	case p.Equals != nil:
		return fits([]fact.Value{*p.Equals}, t, "equals")
	case p.OneOf != nil:
		return fits(p.OneOf, t, "one_of")
	case p.Between != nil && t != fact.TypeInt && t != fact.TypeAddress:
		return "between is for integers"
	case p.Matches != "" && t != fact.TypeText:
		return "matches is for texts"
	case p.Ordered != nil && !isList, p.Has != nil && !isList, p.Lacks != nil && !isList:
		return "ordered, has and lacks are for lists"
	case element != "":
		return fits(slices.Concat(p.Ordered, p.Has, p.Lacks), element, "the list")
	}
	return ""
}

// fitsDeep is fact.Type.Fits that looks into the elements of lists of addresses as well.
func fitsDeep(t fact.Type, v fact.Value) bool {
	if t == fact.TypeHexList && v.Kind() == fact.List {
		return !slices.ContainsFunc(v.List(), func(e fact.Value) bool { return e.Kind() != fact.Int })
	}
	return t.Fits(v)
}

func describe(v fact.Value) string {
	switch v.Kind() {
	case fact.Int:
		return "the integer " + v.String()
	case fact.Bool:
		return "the truth value " + v.String()
	case fact.Text:
		return "the text \"" + v.Text() + "\""
	case fact.List:
		return "the list " + v.String()
	}
	return v.String()
}

// text demands both languages of the project's own data, English of all.
func (l *linter) text(file string, line int, what string, t lab.Text) {
	switch {
	case strings.TrimSpace(t.En) == "":
		l.add(ruleText, file, line, "%s: no English text (en)", what)
	case l.Base == nil && strings.TrimSpace(t.Zh) == "":
		l.add(ruleText, file, line, "%s: no Chinese text (zh)", what)
	}
}

// constraint demands that some release fits; the loader has parsed it already.
func (l *linter) constraint(file string, line int, text string) {
	c, err := constraint.Parse(text)
	if err != nil || len(l.releases) == 0 {
		return
	}
	if !slices.ContainsFunc(l.releases, c.Fits) {
		l.add(ruleConstraint, file, line, "no release of labs/releases.yaml fits %q", text)
	}
}

func (l *linter) readme(x *lab.Lab) {
	if l.Base != nil {
		return
	}
	file := path.Join(path.Dir(x.File), "README.md")
	src, err := fs.ReadFile(l.fsys, file)
	if err != nil {
		l.add(ruleReadme, file, 0, "missing: the lesson of lab %s", x.ID)
		return
	}
	if n := len(strings.Fields(string(src))); n < minWords {
		l.add(ruleReadme, file, 0, "%d words are no lesson; want %d at least", n, minWords)
	}
}

// catalogue holds the claims against the list of all claims, both ways.
func (l *linter) catalogue() {
	if l.Base != nil {
		return
	}
	group := map[string]lab.Group{}
	var ids []string
	for _, g := range l.own.Known {
		for _, id := range g.Claims {
			group[id] = g
			ids = append(ids, id)
		}
	}
	there := map[string]bool{}
	for _, x := range l.own.Labs {
		for _, c := range x.Claims {
			id, _, _ := strings.Cut(c.ID, "/")
			there[id] = true
			g, known := group[id]
			switch {
			case !known:
				l.add(ruleCatalogue, c.File, c.Lines.Of("id"), "claim %q is not in labs/catalogue.yaml%s", id, near.Hint(id, ids))
			case g.Lab != 0 && g.Lab != x.Number:
				l.add(ruleCatalogue, c.File, c.Lines.Of("id"), "claim %q belongs to lab %02d (labs/catalogue.yaml)", id, g.Lab)
			}
		}
	}
	for _, g := range l.own.Known {
		for _, id := range g.Claims {
			if !there[id] {
				l.add(ruleComplete, g.File, g.Line, "section %s: no lab has the claim %q", g.Section, id)
			}
		}
	}
}
