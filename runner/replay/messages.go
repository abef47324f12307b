package replay

import "fmt"

// message is one thing a replay can say.
type message int

// All messages.
const (
	msgHead message = iota
	msgNoTrace
	msgFactsOf
	msgAtStop
	msgEnd
	msgStops
	msgCalls
	msgRegisters
	msgChanges
	msgNothing
	msgSource
	msgCode
	msgNoSource
	msgFact
	msgVaries
	msgNeverWritten
	msgWrittenBy
	msgSyscall
	messageCount
)

// messages are all messages in both languages. The verbs of both are the same, in
// the same order; a test holds that.
var messages = [messageCount]struct{ en, zh string }{
	msgHead:         {"%s %s/%s, setup %s: %d instructions from the first of the process to %s", "%s %s/%s，配置 %s：从进程的第一条指令起共 %d 条，到 %s 为止"},
	msgNoTrace:      {"This lab has no boot trace. Its recorded facts:", "本实验没有启动轨迹。记录下来的事实："},
	msgFactsOf:      {"setup %s, at %s", "配置 %s，位置 %s"},
	msgAtStop:       {"at %s", "位置 %s"},
	msgEnd:          {"the end: %s is about to begin", "到此为止：即将进入 %s"},
	msgStops:        {"stops: %s", "停靠点：%s"},
	msgCalls:        {"calls: %s", "调用链：%s"},
	msgRegisters:    {"registers", "寄存器"},
	msgChanges:      {"this instruction changes", "这条指令改变"},
	msgNothing:      {"nothing", "无"},
	msgSource:       {"source", "源码"},
	msgCode:         {"instructions", "指令"},
	msgNoSource:     {"no source line", "没有对应的源码行"},
	msgFact:         {"fact: %s", "事实：%s"},
	msgVaries:       {"varies from run to run or from machine to machine", "因运行或机器而异"},
	msgNeverWritten: {"%s is never written on the way to %s", "到 %[2]s 为止，%[1]s 从未被写入"},
	msgWrittenBy:    {"%s is written %d times:", "%s 被写入 %d 次："},
	msgSyscall:      {"system call %s", "系统调用 %s"},
}

// t is a message in the tape's language.
func (t *Tape) t(m message, args ...any) string {
	text := messages[m].en
	if t.Lang == "zh" {
		text = messages[m].zh
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}
