package course

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/fact"
	"github.com/rt0lab/rt0lab/runner/lab"
	"github.com/rt0lab/rt0lab/runner/place"
)

// Starter is a work file as a learner gets it.
type Starter struct{ Name, Text string }

// starterReturn is the line of a script that the learner writes instead.
const starterReturn = "    return {}"

// Starters are the work files of a lab. None of them passes: the answers are
// empty, a table returns nothing, a list of edits has none.
func Starters(d *lab.Data, l *lab.Lab, lang string) []Starter {
	w := In(lang)
	var all []Starter
	var sheet strings.Builder
	for _, e := range l.Exercises {
		switch {
		case e.Answer != nil:
			sheet.WriteString("\n" + comment(e.Ask.In(lang)))
			for i, c := range e.Answer.Choices {
				fmt.Fprintf(&sheet, "#   %s  %s\n", letter(i), strings.TrimSpace(c.Says.In(lang)))
			}
			fmt.Fprintf(&sheet, "%s:\n", e.ID)
		case e.Script != nil:
			all = append(all, Starter{e.ID + ".star", table(d, e, w, "delve")}, Starter{e.ID + ".py", table(d, e, w, "gdb")})
		default:
			text := comment(e.Ask.In(lang)) + "#\n" + comment(w.Say(MsgEditForm)) + "edits: []\n"
			all = append(all, Starter{e.ID + ".yaml", text})
		}
	}
	if sheet.Len() > 0 {
		head := comment(w.Say(MsgSheet, l.ID, l.Title.In(lang)))
		all = append([]Starter{{answersFile, head + sheet.String()}}, all...)
	}
	return all
}

// table is a script that reports nothing yet, in the language of the witness.
func table(d *lab.Data, e *lab.Exercise, w Words, witness string) string {
	var b strings.Builder
	b.WriteString(comment(e.Ask.In(w.lang)) + "#\n")
	var stops []string
	for _, id := range e.Script.Claims {
		spec := d.Catalogue[d.Claim(id).Fact]
		what := spec.En
		if w.lang == "zh" {
			what = spec.Zh
		}
		b.WriteString(comment(w.Say(MsgFact, spec.Name, strings.TrimSpace(string(spec.Type)+" "+spec.Unit), what)))
		for _, at := range spec.At {
			if at != place.Image && at != place.Exit && !slices.Contains(stops, at) {
				stops = append(stops, at)
			}
		}
	}
	b.WriteString(comment(w.Say(MsgStops, strings.Join(stops, " · "))))
	b.WriteString(comment(w.Say(MsgWords, lab.ScriptsOf[witness].Library)))
	fmt.Fprintf(&b, "\ndef look(seen):\n%s\n\nstops = {%q: look}\n", starterReturn, stops[0])
	return b.String()
}

func comment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		b.WriteString(strings.TrimRight("# "+line, " \n") + "\n")
	}
	return b.String()
}

// subject is the one subject of the facts of a script exercise; lint holds that there is one.
func subject(d *lab.Data, e *lab.Exercise) string {
	return fact.Subject(d.Claim(e.Script.Claims[0]).Fact)
}
