package course

import "fmt"

// Message is one thing the course can say.
type Message int

// All messages; the table has what they say.
const (
	MsgGot Message = iota
	MsgWantedKind
	MsgLook
	MsgUntouched
	MsgOtherRelease
	MsgNeedsRun
	MsgNotRecorded
	MsgKindInt
	MsgKindAddress
	MsgKindBool
	MsgKindText
	MsgKindList
	MsgKindChoice
	MsgKindUnit
	MsgEditForm
	MsgSheet
	MsgFact
	MsgStops
	MsgWords
	MsgScriptSays
	MsgScriptWrong
	MsgScriptConstant
	MsgScriptNothing
	MsgNotBuilt
	MsgDoesNotStart
	MsgStillHolds
	MsgNotSeen
	MsgStillWrong
	MsgWritten
	MsgHead
	MsgNotHere
	MsgByRecording
	MsgOfferHint
	MsgOfferSolution
	MsgDone
	MsgNext
	MsgAllDone
	MsgHint
	MsgNoMoreHints
	MsgAskAgain
	MsgPutAside
	MsgReset
	MsgWorkOn
	MsgThenCheck
	MsgDebugger
	MsgExercises
	MsgBegin
	MsgNoExercises
	MsgRestNotHere
	MsgNotHereCount
	MsgLabRow
	MsgSources
	MsgChecking
	MsgResetTwice
	MsgKeys
	MsgKeysShort
	MsgHelp
	MsgWatching
	MsgPressEnter
	messageCount
)

// messages are all messages in both languages. The verbs of both are the same, in the same
// order; a test holds that.
var messages = [messageCount]struct{ en, zh string }{
	MsgGot:            {"got: %s", "你的回答：%s"},
	MsgWantedKind:     {"wanted: %s", "需要的是：%s"},
	MsgLook:           {"where to look: %s", "该看哪里：%s"},
	MsgUntouched:      {"nothing written yet: %s", "还没有写：%s"},
	MsgOtherRelease:   {"it is for releases %s, this is %s", "本题适用于 %s，当前版本是 %s"},
	MsgNeedsRun:       {"this exercise is checked by a run, on linux/amd64; the ones that ask for an answer need only a recording", "本题要靠实际运行来检查（linux/amd64）；只有问答题可以凭记录检查"},
	MsgNotRecorded:    {"nobody saw the fact of %s here, and no recording has it", "本机看不到 %s 的事实，记录里也没有"},
	MsgKindInt:        {"a number, decimal or 0x…", "一个数，十进制或 0x… 均可"},
	MsgKindAddress:    {"an address, 0x…", "一个地址，形如 0x…"},
	MsgKindBool:       {"yes or no", "是或否（yes/no）"},
	MsgKindText:       {"a name or a word, spelled as the runtime spells it", "一个名字或词，拼写与运行时源码一致"},
	MsgKindList:       {"several values in their order, with spaces or commas between", "按顺序写出若干个值，用空格或逗号隔开"},
	MsgKindChoice:     {"one letter, a to %s", "一个字母，a 到 %s"},
	MsgKindUnit:       {"%s (%s)", "%s（%s）"},
	MsgEditForm:       {"Each edit replaces a text that stands exactly once in a file of GOROOT/src:\nedits:\n  - file: runtime/proc.go\n    old: the text that is there\n    new: the text that takes its place\nSeveral lines stand in a block: old: |- and the lines below it, with spaces in front of what you paste.\nGOROOT is what go env GOROOT says of the release you work on.", "每处修改替换 GOROOT/src 下某个文件里恰好出现一次的一段文字：\nedits:\n  - file: runtime/proc.go\n    old: 原来的文字\n    new: 换成的文字\n有好几行时用块：写 old: |-，各行放在下面，在粘贴的内容前面加上空格。\nGOROOT 即你所用版本的 go env GOROOT。"},
	MsgSheet:          {"%s · %s\nWrite each answer behind its colon, save, and run: rt0lab check", "%s · %s\n把答案写在冒号后面，保存，然后运行：rt0lab check"},
	MsgFact:           {"Report %s (%s): %s", "报告 %s（%s）：%s"},
	MsgStops:          {"Stops that serve: %s", "可用的停点：%s"},
	MsgWords:          {"Write in this file or in the one of the other language. The words are in %s.", "写在本文件，或写在另一种语言的文件里。可用的词见 %s。"},
	MsgScriptSays:     {"on %s your table says %s = %s, which is not what is there", "在 %s 上，你的表给出 %s = %s，与实际不符"},
	MsgScriptWrong:    {"on %s your table fails: %s", "在 %s 上，你的表出错：%s"},
	MsgScriptConstant: {"it is right on the unchanged runtime and not on %s: read the value, do not write it", "在原样的运行时上正确，在 %s 上不对：值要读出来，不要写死"},
	MsgScriptNothing:  {"on %s your table does not report %s", "在 %s 上，你的表没有报告 %s"},
	MsgNotBuilt:       {"the edited runtime does not build: %s", "改过的运行时无法编译：%s"},
	MsgDoesNotStart:   {"the program does not start any more: %s", "程序无法再启动：%s"},
	MsgStillHolds:     {"the claim %s still holds with your edit", "加上你的修改后，说法 %s 依然成立"},
	MsgNotSeen:        {"the claim %s could not be judged with your edit: %s", "加上你的修改后，说法 %s 无法判断：%s"},
	MsgStillWrong:     {"it starts, but %d of the claims that should hold do not yet", "能启动了，但应当成立的说法里还有 %d 条不成立"},
	MsgWritten:        {"work files written: %s", "已写好练习文件：%s"},
	MsgHead:           {"%s %s, on %s", "%s %s，版本 %s"},
	MsgNotHere:        {"not possible here: %s", "此处无法检查：%s"},
	MsgByRecording:    {"held against the recording of %s", "对照的是 %s 的记录"},
	MsgOfferHint:      {"a hint: rt0lab hint %s", "要提示吗：rt0lab hint %s"},
	MsgOfferSolution:  {"the solution: rt0lab solution %s", "看解答：rt0lab solution %s"},
	MsgDone:           {"%d of %d done", "已完成 %d / %d"},
	MsgNext:           {"next: rt0lab next", "下一题：rt0lab next"},
	MsgAllDone:        {"every exercise is done", "所有练习都已完成"},
	MsgHint:           {"hint %d of %d: %s", "提示 %d / %d：%s"},
	MsgNoMoreHints:    {"there are no more hints; rt0lab solution %s shows how it is done", "没有更多提示了；rt0lab solution %s 给出做法"},
	MsgAskAgain:       {"%s is not passed yet. Ask once more, and the solution is shown.", "%s 还没有通过。再要一次，就给出解答。"},
	MsgPutAside:       {"put aside: %s", "旧文件另存为：%s"},
	MsgReset:          {"begun anew: %s", "重新开始：%s"},
	MsgWorkOn:         {"write in: %s", "写在：%s"},
	MsgThenCheck:      {"then: rt0lab check %s", "然后：rt0lab check %s"},
	MsgDebugger:       {"with a debugger: rt0lab debug %s", "用调试器：rt0lab debug %s"},
	MsgExercises:      {"Exercises", "练习"},
	MsgBegin:          {"rt0lab check %s writes the work files for you", "rt0lab check %s 会为你写好练习文件"},
	MsgNoExercises:    {"%s has no exercises", "%s 没有练习"},
	MsgSources:        {"the sources: %s", "源码在：%s"},
	MsgChecking:       {"checking …", "正在检查……"},
	MsgResetTwice:     {"%s begins anew when you press r once more; your work files are kept as .old", "再按一次 r，%s 就重新开始；你的练习文件会以 .old 为名保留"},
	MsgKeys:           {"c check · h hint · s solution · n next · p previous · r reset · ↑↓ scroll · ? help · q quit", "c 检查 · h 提示 · s 解答 · n 下一题 · p 上一题 · r 重做 · ↑↓ 滚动 · ? 帮助 · q 退出"},
	MsgHelp:           {"Write in the file named below the task, with any editor, and save: it is checked by itself.\n\nc, Enter   check now\nh          a hint; there are three\ns          the solution: when it is passed, or asked for twice\nn, →       the next exercise\np, ←       the one before\nr r        begin this exercise anew\n↑ ↓        scroll; PgUp and PgDn by half a screen\n?          this page\nq, Ctrl-C  leave; everything is kept\n\nIn another terminal: rt0lab debug for a debugger, rt0lab lab for the lesson.", "用任何编辑器写题目下方列出的文件，保存后会自动检查。\n\nc、回车    立即检查\nh          提示，共三条\ns          解答：通过之后，或要两次\nn、→       下一题\np、←       上一题\nr r        重新做本题\n↑ ↓        滚动；PgUp、PgDn 翻半屏\n?          本页\nq、Ctrl-C  退出，一切都会保留\n\n在另一个终端里：rt0lab debug 打开调试器，rt0lab lab 看课文。"},
	MsgWatching:       {"watching %s; Ctrl-C ends", "正在留意 %s；按 Ctrl-C 结束"},
	MsgPressEnter:     {"press Enter to check, Ctrl-D to end", "按回车检查，按 Ctrl-D 结束"},
	MsgKeysShort:      {"? help · q quit", "? 帮助 · q 退出"},
	MsgRestNotHere:    {"every exercise that can be checked here is done; the others cannot: %s", "此处能检查的练习都已完成，其余的不能：%s"},
	MsgNotHereCount:   {"%d not possible here", "%d 道此处无法检查"},
	MsgLabRow:         {"%3d claims %3d mutants %2d/%d exercises", "%3d 条说法 %3d 个变异 %2d/%d 道练习"},
}

// Words says things in one language.
type Words struct{ lang string }

// In returns the words of "zh", and English for everything else.
func In(lang string) Words { return Words{lang} }

func (w Words) Say(m Message, args ...any) string {
	format := messages[m].en
	if w.lang == "zh" {
		format = messages[m].zh
	}
	return fmt.Sprintf(format, args...)
}
