package screen

import "fmt"

// message is one thing the screen can say.
type message int

// All messages.
const (
	msgFirst message = iota
	msgLast
	msgNoStop
	msgNoStopBack
	msgNoFunction
	msgNoTarget
	msgWritten
	msgNotWrittenBefore
	msgNotWrittenAgain
	msgAskPosition
	msgAskTarget
	msgAskMemory
	msgSource
	msgCode
	msgRegisters
	msgMemory
	msgFacts
	msgChanges
	msgNoFacts
	msgEnd
	msgSyscall
	msgUnknown
	msgNoSource
	msgNothingChanges
	msgVaries
	msgKeys
	msgKeysShort
	msgHelp
	messageCount
)

// messages are all messages in both languages, with the same verbs in the same order; a test holds that.
var messages = [messageCount]struct{ en, zh string }{
	msgFirst:            {"this is the first instruction of the process", "这是进程的第一条指令"},
	msgLast:             {"here the trace ends", "轨迹到此为止"},
	msgNoStop:           {"no stop behind this one", "后面没有停靠点了"},
	msgNoStopBack:       {"no stop before this one", "前面没有停靠点了"},
	msgNoFunction:       {"no function is entered there", "没有再进入别的函数"},
	msgNoTarget:         {"press w first and name a register, variable or address", "先按 w，输入寄存器、变量或地址"},
	msgWritten:          {"this instruction writes %s", "这条指令写入 %s"},
	msgNotWrittenBefore: {"before this, nothing wrote %s (> looks behind it)", "在此之前没有写过 %s（> 往后找）"},
	msgNotWrittenAgain:  {"behind this, nothing writes %s any more", "此后不再写入 %s"},
	msgAskPosition:      {"go to (number, function, stop, 0x…; Tab completes):", "跳到（编号、函数、停靠点、0x…；Tab 补全）："},
	msgAskTarget:        {"who wrote (register, variable, 0x…; Tab completes):", "谁写了（寄存器、变量、0x…；Tab 补全）："},
	msgAskMemory:        {"memory at (register, variable, 0x…; Tab completes):", "查看内存（寄存器、变量、0x…；Tab 补全）："},
	msgSource:           {"source", "源码"},
	msgCode:             {"instructions", "指令"},
	msgRegisters:        {"registers", "寄存器"},
	msgMemory:           {"memory at %s", "内存 %s"},
	msgFacts:            {"facts", "事实"},
	msgChanges:          {"this instruction changes", "这条指令改变"},
	msgNoFacts:          {"no stop of this lab passed yet", "尚未经过本实验的停靠点"},
	msgEnd:              {"the end: %s is about to begin", "到此为止：即将进入 %s"},
	msgSyscall:          {"system call %s", "系统调用 %s"},
	msgUnknown:          {"not met by the trace", "轨迹未涉及"},
	msgNoSource:         {"no source line", "没有对应的源码行"},
	msgNothingChanges:   {"nothing", "无"},
	msgVaries:           {"~ varies from run to run or machine to machine", "~ 因运行或机器而异"},
	msgKeys:             {"←→ step  ↑↓ over  o/u out  f/F function  s/S stop  w written  </> last/next  : go  m memory  Tab pane  ? help  q quit", "←→ 单步  ↑↓ 步过  o/u 跳出  f/F 函数  s/S 停靠点  w 谁写的  </> 上/下次  : 跳转  m 内存  Tab 面板  ? 帮助  q 退出"},
	msgKeysShort:        {"←→ ↑↓ s w : ? q", "←→ ↑↓ s w : ? q"},
	msgHelp: {`→ l Space    one instruction forwards
← h          one instruction backwards
↓ j          over the call, to the next instruction of this function
↑ k          the same backwards
o            out of this function, forwards
u            back to the call that led here
s  S         next stop with facts of this lab, the one before
f  F         next function entered, the one before
: g          go to a number, a function, a stop or an address
w            who wrote a register, a variable, a field or an address last
<  >         the write of it before this one, and the next
m            look at memory: at an address, a variable, or where a register points
Tab          registers, what the instruction changes, memory, facts
i            spelling of instructions: Go or Intel
PgUp PgDn    50 instructions; Home End: the first, the last
q            quit

▶ is about to be executed. * was changed by the instruction before.
Faint instructions are never executed in this start.
~ marks facts that vary from run to run or from machine to machine.`, `→ l 空格     向前一条指令
← h          向后一条指令
↓ j          步过调用，到本函数的下一条指令
↑ k          同上，向后
o            向前跳出本函数
u            回到进入这里的那次调用
s  S         下一个、上一个有本实验事实的停靠点
f  F         下一次、上一次进入函数
: g          跳到编号、函数、停靠点或地址
w            谁最后写了某个寄存器、变量、字段或地址
<  >         它的上一次、下一次写入
m            查看内存：地址、变量，或寄存器所指之处
Tab          寄存器、这条指令改变什么、内存、事实
i            指令写法：Go 或 Intel
PgUp PgDn    50 条指令；Home End：第一条、最后一条
q            退出

▶ 即将执行。* 是上一条指令刚改变的。
淡色的指令在这次启动中从未执行。
~ 表示因运行或机器而异的事实。`},
}

// t is a message in the tape's language.
func (m *model) t(what message, args ...any) string {
	text := messages[what].en
	if m.Lang == "zh" {
		text = messages[what].zh
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}
