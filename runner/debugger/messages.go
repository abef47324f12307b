package debugger

import (
	"fmt"
	"strings"
)

// message is one thing that is said to the person at the prompt.
type message int

const (
	msgInstead message = iota
	msgAt
	msgAtExec
	msgWords
	msgLooks
	msgMoves
	msgLeave
	msgSayHelp
	msgFactsHelp
	msgStopsHelp
	msgNoFunction
	msgNoTable
	msgNowhere
	msgHere
	messageCount
)

var messages = [messageCount]struct{ en, zh string }{
	msgInstead:    {"%s: %v; this is the program's first instruction", "%s：没有停在那里（%v）；现在停在程序的第一条指令处"},
	msgAt:         {"stopped at %s (breakpoint 1)", "停在 %s（断点 1）"},
	msgAtExec:     {"stopped at the first instruction after exec", "停在 exec 之后的第一条指令"},
	msgWords:      {"words   say Reg(\"%s\")   say Minor()   say Var(\"runtime.g0.stack.lo\")", "词语   say Reg(\"%s\")   say Minor()   say Var(\"runtime.g0.stack.lo\")"},
	msgLooks:      {"facts   what the lab's scripts see here     stops   where they look", "facts  实验的脚本在此处看到的事实     stops  脚本查看的位置"},
	msgMoves:      {"try     %s", "试试   %s"},
	msgLeave:      {"leave   quit, or Ctrl-D; Ctrl-C stops a running program", "离开   quit 或 Ctrl-D；Ctrl-C 让运行中的程序停下"},
	msgSayHelp:    {"Prints what expressions of the lab's scripts are: say Reg(\"rsp\"), Disasm(\"main.main\")", "打印实验脚本表达式的值：say Reg(\"rsp\"), Disasm(\"main.main\")"},
	msgFactsHelp:  {"Prints the facts that the lab's scripts see here, or with the functions of another stop: facts STOP", "打印实验脚本在此处看到的事实；facts STOP 则在此处调用另一个停点的函数"},
	msgStopsHelp:  {"Lists the lab's stops with their addresses in the running program", "列出实验的停点及其在运行中程序里的地址"},
	msgNoFunction: {"the lab's scripts do not look here; stops lists where they do", "实验的脚本不在此处查看；stops 会列出它们查看的位置"},
	msgNoTable:    {"no script has the stop %s%s; stops lists those there are", "没有脚本含有停点 %s%s；stops 会列出所有停点"},
	msgNowhere:    {"not in this binary", "此二进制中没有"},
	msgHere:       {"you are here", "当前位置"},
}

// Text is a message in the language ("en", "zh"), English where there is no other.
func Text(lang string, m message) string {
	if lang == "zh" {
		return messages[m].zh
	}
	return messages[m].en
}

// Help are the one-line descriptions of the words that the prompt has besides the
// debugger's own, by word.
func (s *Session) Help() map[string]string {
	return map[string]string{
		"say": Text(s.Lang, msgSayHelp), "facts": Text(s.Lang, msgFactsHelp), "stops": Text(s.Lang, msgStopsHelp),
	}
}

// Says are the sentences that the words of the prompt answer with.
func (s *Session) Says() map[string]string {
	return map[string]string{
		"no_function": Text(s.Lang, msgNoFunction), "no_table": Text(s.Lang, msgNoTable),
		"nowhere": Text(s.Lang, msgNowhere), "here": Text(s.Lang, msgHere),
	}
}

// Banner is what a person sees first. try is what the debugger at hand has to offer
// for the first steps.
func (s *Session) Banner(try string) string {
	at := fmt.Sprintf(Text(s.Lang, msgAt), s.At)
	if s.Place().Exec {
		at = Text(s.Lang, msgAtExec)
	}
	pointer := "rsp"
	if s.GOARCH == "arm64" {
		pointer = "sp"
	}
	lines := append([]string{s.Title, at}, s.Notes...)
	lines = append(lines, fmt.Sprintf(Text(s.Lang, msgWords), pointer), Text(s.Lang, msgLooks), fmt.Sprintf(Text(s.Lang, msgMoves), try), Text(s.Lang, msgLeave))
	return strings.Join(lines, "\n") + "\n\n"
}
