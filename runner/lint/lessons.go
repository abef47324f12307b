package lint

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab"
)

const (
	lessonEn = "README.md"
	lessonZh = "README.zh-CN.md"
)

// sections are the headings that a lesson has in both languages. Others may stand between them.
var sections = []lab.Text{
	{En: "What to know before", Zh: "预备知识"},
	{En: "The walk", Zh: "走一遍"},
	{En: "See it yourself", Zh: "自己动手看"},
	{En: "Exercises", Zh: "练习"},
	{En: "Read on", Zh: "延伸阅读"},
}

// lessons holds both languages of a lesson against each other and against the glossary.
func (l *linter) lessons() {
	if l.Base != nil {
		return
	}
	for _, t := range l.own.Glossary {
		if t.Means.En == "" || t.Means.Zh == "" {
			l.add(ruleTerm, "labs/glossary.yaml", t.Line, "the word %q: it is explained in one language only", t.Word.En)
		}
	}
	for _, x := range l.own.Labs {
		folder := "labs/" + x.ID + "/"
		en, err := fs.ReadFile(l.fsys, folder+lessonEn)
		if err != nil {
			continue // the rule readme says so
		}
		zh, err := fs.ReadFile(l.fsys, folder+lessonZh)
		if err != nil {
			l.add(ruleLesson, folder+lessonZh, 0, "the lesson is there in English only")
			continue
		}
		l.headings(folder, string(en), string(zh))
		for _, file := range []string{lessonZh, "lab.yaml", lab.ExercisesFile} {
			l.terms(folder + file)
		}
	}
}

func (l *linter) headings(folder, en, zh string) {
	one, other := headingsOf(en), headingsOf(zh)
	if len(one) != len(other) {
		l.add(ruleLesson, folder+lessonZh, 0, "%d sections, and the English lesson has %d", len(other), len(one))
		return
	}
	for i, h := range one {
		k := slices.IndexFunc(sections, func(s lab.Text) bool { return s.En == h.text })
		if k >= 0 && sections[k].Zh != other[i].text {
			l.add(ruleLesson, folder+lessonZh, other[i].line, "the section %q is %q in Chinese and stands here, saw %q", h.text, sections[k].Zh, other[i].text)
		}
	}
	for _, s := range sections {
		there := slices.ContainsFunc(one, func(h heading) bool { return h.text == s.En })
		if !there {
			l.add(ruleLesson, folder+lessonEn, 0, "there is no section %q", s.En)
		}
	}
}

type heading struct {
	text string
	line int
}

// headingsOf are the second-level headings outside of fenced blocks.
func headingsOf(text string) (found []heading) {
	fenced, n := false, 0
	for line := range strings.Lines(text) {
		n++
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if h, ok := strings.CutPrefix(line, "## "); ok && !fenced {
			found = append(found, heading{strings.TrimSpace(h), n})
		}
	}
	return found
}

// terms finds words that the glossary has others for.
func (l *linter) terms(file string) {
	text, err := fs.ReadFile(l.fsys, file)
	if err != nil {
		return
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		for _, t := range l.all.Glossary {
			for _, not := range t.Not {
				if strings.Contains(line, not) {
					l.add(ruleTerm, file, n, "%q is called %q here, not %q (labs/glossary.yaml)", t.Word.En, t.Word.Zh, not)
				}
			}
		}
	}
}
