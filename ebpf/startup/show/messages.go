package show

import (
	"fmt"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// Words are the messages of a report in one language. Formats for tools have no language.
type Words struct{ chinese bool }

// In returns the messages in a language, en or zh; any other one is English.
func In(lang string) Words { return Words{lang == "zh"} }

// message is one thing a report can say.
type message int

// All messages.
const (
	msgTitle message = iota
	msgMilestone
	msgAt
	msgTakes
	msgInterval
	msgBegins
	msgAnother
	msgMethod
	msgMethodRange
	msgAgainstBare
	msgAgainstOne
	msgSum
	msgInterrupted
	msgStop
	msgObserver
	msgProbe
	msgWhoever
	msgEnds
	msgEnd
	msgBetweenEnds
	msgCheap
	msgSlow
	msgBetweenNames
	msgLost
	msgChanged
	msgMoved
	msgWithout
	msgMissingMore
	msgMissing
	msgTooFew
	msgNoRun
	msgUnknown
	msgPackages
	msgPackage
	msgMore
	msgNoTrace
	msgWhole
	msgIs
	msgUpTo
	msgMoreSmall
	msgRounds
	msgResolution
	msgOnly
	msgTooFewToTell
	msgSame
	msgSlower
	msgFaster
	msgLabel
	messageCount
)

// messages are all messages in both languages. A verb stands in both, in the same order; a test holds that.
var messages = [messageCount]struct{ en, zh string }{
	msgTitle:     {"%s: from exec to %s %s", "%s：从 exec 到 %s 用时 %s"},
	msgMilestone: {"milestone", "里程碑"},
	msgAt:        {"at", "经过时刻"},
	msgTakes:     {"takes", "用时"},
	msgInterval:  {"%.0f%% interval", "%.0f%% 置信区间"},
	msgBegins:    {"what begins there", "从这里开始的事"},
	msgAnother:   {"%s (another thread)", "%s（另一个线程）"},
	msgMethodRange: {"n = %d to %d runs of each set of milestones, %d without probes, shuffled; medians with intervals of at least %.0f%% (no distribution assumed).",
		"n = 每组里程碑 %d 到 %d 次运行，没有探针的 %d 次，次序打乱；所列为中位数，置信区间至少为 %.0f%%（不假设任何分布）。"},
	msgMethod: {"n = %d runs of each set of milestones, %d without probes, shuffled; medians with intervals of at least %.0f%% (no distribution assumed).",
		"n = 每组里程碑 %d 次运行，没有探针的 %d 次，次序打乱；所列为中位数，置信区间至少为 %.0f%%（不假设任何分布）。"},
	msgAgainstBare: {"runs without probes", "没有探针的运行"},
	msgAgainstOne:  {"runs with one probe, at %s", "只在 %s 有一个探针的运行"},
	msgSum:         {"The medians of the spans add up to %s, %.0f%% of the whole", "各区间的中位数相加为 %s，是总时间的 %.0f%%"},
	msgInterrupted: {": runs are interrupted, each at another place, as on a busy machine", "：机器繁忙，各次运行在不同的地方被打断"},
	msgStop:        {".", "。"},
	msgObserver:    {"Observer effect: %s of %s, which take %s.", "观察者效应：%s，相对于%s，后者用时 %s。"},
	msgProbe:       {"Two probes with nothing but a call between them are %s apart: a span as short as that is the probe's own.", "两个探针之间只隔一次调用时，相距 %s：这样短的区间就是探针自己的用时。"},
	msgWhoever:     {"whoever runs rt0lab", "运行 rt0lab 的用户"},
	msgEnds:        {"Runs as %s; ended with: %s.", "运行身份：%s；结束方式：%s。"},
	msgEnd:         {"%s ×%d", "%s ×%d"},
	msgBetweenEnds: {", ", "，"},
	msgCheap:       {"Probes at cheap instructions: %d of %d.", "放在便宜指令上的探针：%d / %d。"},
	msgSlow: {"Up to some tens of microseconds too long, because the probe is single-stepped: %s.",
		"以下各项的探针需要单步执行，用时可能偏长几十微秒：%s。"},
	msgBetweenNames: {", ", "、"},
	msgLost:         {"Left out because events were lost: %d runs.", "因丢失事件而未计入的运行：%d 次。"},
	msgChanged:      {"%s has changed since: these numbers are those of the file as it was when this began.", "%s 在测量期间变了：这些数字属于测量开始时的那个文件。"},
	msgMoved:        {"%s ran as a copy in memory, where it finds neither itself nor what lies beside it: %s.", "%s 是以内存中副本的形式运行的，找不到自己，也找不到与它放在一起的文件：%s。"},
	msgWithout:      {"Without a time:", "没有时间的："},
	msgMissingMore:  {"and %d more (--format jsonl has all)", "还有 %d 个（--format jsonl 列出全部）"},
	msgMissing:      {"%s: %s", "%s：%s"},
	msgTooFew:       {"too few runs (%d)", "运行次数太少（%d）"},
	msgNoRun:        {"(no run)", "（没有运行）"},
	msgUnknown:      {"unknown", "未知"},
	msgPackages: {"%d packages have init functions; they take %s, %.0f%% of what all spans take.",
		"有 init 函数的包共 %d 个，用时 %s，占各区间总和的 %.0f%%。"},
	msgPackage: {"package", "包"},
	msgMore:    {"%d more", "其余 %d 个"},
	msgNoTrace: {"GODEBUG=inittrace=1 says nothing here: it is new in 1.16.", "GODEBUG=inittrace=1 在这里没有输出：它是 1.16 新增的。"},
	msgWhole:   {"The whole: B is %s.", "总时间：B %s。"},
	msgIs:      {"B is", "B"},
	msgUpTo:    {" (up to %s in A, %s in B)", "（A 中到 %s 为止，B 中到 %s 为止）"},
	msgMoreSmall: {"and %d more with smaller differences (--format jsonl has all)",
		"还有 %d 项差别更小（--format jsonl 列出全部）"},
	msgRounds: {"n = %d rounds; differences are medians of B − A within a round. All intervals hold at once with %.0f%% (each with %.2f%%).",
		"n = %d 轮；差别是同一轮内 B − A 的中位数。所有区间同时成立的置信度为 %.0f%%（单个为 %.2f%%）。"},
	msgResolution:   {"Less than %s is no difference: two copies of one program differ by as much.", "小于 %s 不算差别：同一个程序的两份副本之间也会差这么多。"},
	msgOnly:         {"- (only %s has it)", "-（只有 %s 有）"},
	msgTooFewToTell: {"unknown: too few runs (%d)", "未知：运行次数太少（%d）"},
	msgSame:         {"no different [%s – %s]", "没有差别 [%s – %s]"},
	msgSlower:       {"slower by %s [%s – %s]", "慢 %s [%s – %s]"},
	msgFaster:       {"faster by %s [%s – %s]", "快 %s [%s – %s]"},
	msgLabel:        {"%s: ", "%s："},
}

// say is a message with its values.
func (w Words) say(m message, values ...any) string {
	text := messages[m].en
	if w.chinese {
		text = messages[m].zh
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// what is what begins at a milestone.
func (w Words) what(m startup.Milestone) string {
	if zh := whats[m.What]; w.chinese && zh != "" {
		return zh
	}
	return m.What
}

// whats are the words of package startup for what begins at a milestone.
var whats = map[string]string{
	"the kernel has loaded the file":                        "内核已装载文件",
	"first instruction of the file, or of what links it in": "文件的第一条指令，或动态链接器的第一条",
	"stack, CPU, thread-local storage":                      "栈、CPU、线程本地存储",
	"cgo takes the first thread over":                       "cgo 接管第一个线程",
	"the compiler is as the runtime expects it":             "确认编译器符合运行时的预期",
	"argc, argv, auxiliary vector":                          "argc、argv、辅助向量",
	"the clock that needs no system call":                   "不需要系统调用的时钟",
	"the kernel is asked for the size of huge pages":        "向内核询问大页的大小",
	"the limits of the cgroup are read":                     "读取 cgroup 的限制",
	"handlers of signals":                                   "信号处理函数",
	"a thread is made, for sysmon":                          "为 sysmon 创建一个线程",
	"CPUs, page size":                                       "CPU 个数、页大小",
	"the scheduler and all below it":                        "调度器及其下的一切",
	"the tables of the linker are sound":                    "校验链接器生成的表",
	"pools of stacks":                                       "栈池",
	"the heap":                                              "堆",
	"features of the CPU":                                   "CPU 的特性",
	"random numbers":                                        "随机数",
	"hash functions":                                        "哈希函数",
	"m0 gets its number":                                    "m0 得到编号",
	"list of modules":                                       "模块列表",
	"types of several modules":                              "多个模块的类型",
	"table of interfaces":                                   "接口表",
	"os.Args":                                               "os.Args",
	"environment":                                           "环境变量",
	"GODEBUG":                                               "GODEBUG",
	"the collector's state":                                 "垃圾回收器的状态",
	"a P for each CPU":                                      "每个 CPU 一个 P",
	"the main goroutine":                                    "主 goroutine",
	"m0 begins to schedule":                                 "m0 开始调度",
	"the main goroutine runs":                               "主 goroutine 运行",
	"the watcher, on a thread of its own":                   "监视线程，独占一个线程",
	"the runtime's own init functions":                      "运行时自己的 init 函数",
	"the collector's goroutines":                            "垃圾回收器的 goroutine",
	"init functions of all other packages":                  "其他所有包的 init 函数",
	"init functions of main (up to 1.12: of all packages)":  "main 包的 init 函数（1.12 及以前：所有包的）",
	"the program itself":                                    "程序本身",
	"the first package is looked for":                       "寻找第一个包",
	"init functions":                                        "init 函数",
}

// right and left fill a text with spaces up to a width in columns.
func right(text string, width int) string { return fill(text, width) + text }
func left(text string, width int) string  { return text + fill(text, width) }

func fill(text string, width int) string {
	return strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
}
