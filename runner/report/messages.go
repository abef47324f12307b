package report

// message is one thing a report can say.
type message int

// All messages.
const (
	msgHolds message = iota
	msgRefuted
	msgUntested
	msgBroken
	msgDrift
	msgAbsent
	msgClaimed
	msgWanted
	msgSaw
	msgSince
	msgAlways
	msgWhy
	msgOnly
	msgNone
	msgCounts
	msgDriftCount
	msgUnrecorded
	msgMachine
	msgMachineOut
	msgRelease
	msgReleaseOut
	msgNotAsked
	msgExit0
	msgExit1
	msgExit2
	msgExitFailed
	msgClaim
	msgChanges
	msgLegend
	msgNoLine
	msgNoChange
	msgFacts
	msgPost
	msgGone
	msgNever
	messageCount
)

// messages are all messages in both languages. A verb stands in both, or the
// two cannot be exchanged; a test holds that.
var messages = [messageCount]struct{ en, zh string }{
	msgHolds:      {"holds", "成立"},
	msgRefuted:    {"refuted", "不成立"},
	msgUntested:   {"untested", "未检验"},
	msgBroken:     {"broken", "出错"},
	msgDrift:      {"drift", "漂移"},
	msgAbsent:     {"absent", "不存在"},
	msgClaimed:    {"claimed: %s", "原说法：%s"},
	msgWanted:     {"wanted: %s", "应为：%s"},
	msgSaw:        {"saw: %s", "实际看到：%s"},
	msgSince:      {"so since %s", "自 %s 起如此"},
	msgAlways:     {"so in every recorded release", "在所有有记录的版本中都如此"},
	msgWhy:        {"because: %s", "原因：%s"},
	msgOnly:       {"(only %s)", "（仅 %s）"},
	msgNone:       {"no claims", "没有要检验的说法"},
	msgCounts:     {"%d holds · %d refuted · %d untested · %d broken", "%d 条成立 · %d 条不成立 · %d 条未检验 · %d 条出错"},
	msgDriftCount: {"%d drifted from the recordings", "%d 条与记录不符"},
	msgUnrecorded: {"%d not recorded yet", "%d 条尚无记录"},
	msgMachine:    {"Untested because of this machine (%d):", "因本机条件而未检验（%d 条）："},
	msgMachineOut: {"The way out: provide what is named; rt0lab doctor checks it.", "解决办法：补齐上面所缺的，可用 rt0lab doctor 检查。"},
	msgRelease:    {"Untested because of the release (%d):", "因该版本本身而未检验（%d 条）："},
	msgReleaseOut: {"Nothing is missing here: rt0lab show CLAIM says where the fact can be seen.", "本机并不缺什么：rt0lab show CLAIM 会说明在哪里可以看到该事实。"},
	msgNotAsked:   {"Judged without a witness this machine lacks:", "以下见证者在本机无法使用，判断时没有它们："},
	msgExit0:      {"Exit 0: as recorded.", "退出码 0：与记录一致。"},
	msgExit1: {"Exit 1: drift. Look at the lines marked ≠; if they are right, rt0lab record writes them down.",
		"退出码 1：有漂移。请查看标有 ≠ 的行；确认无误后用 rt0lab record 记录下来。"},
	msgExit2:      {"Exit 2: broken. Look at the lines marked !.", "退出码 2：有错误。请查看标有 ! 的行。"},
	msgExitFailed: {"Exit 2: not everything could be run, as was said on standard error.", "退出码 2：有些未能运行，标准错误输出中已说明。"},
	msgClaim:      {"claim", "说法"},
	msgChanges:    {"Changes:", "变化："},
	msgLegend: {"✓ holds · ✗ refuted · – untested · ! broken; a value stands where it begins.",
		"✓ 成立 · ✗ 不成立 · – 未检验 · ! 出错；数值只写在它开始出现的那一列。"},
	msgNoLine:   {"not run", "未运行"},
	msgNoChange: {"no claim changed", "没有说法发生变化"},
	msgFacts:    {"Facts that changed and that no changed claim is about (%d):", "此外有变化、但不涉及上述说法的事实（%d 项）："},
	msgPost:     {"%s on %s: %d of %d sentences hold.", "%s 在 %s 上：%d / %d 条说法成立。"},
	msgGone:     {"no longer since %s: %s", "自 %s 起不再成立：%s"},
	msgNever:    {"on no recorded release: %s", "在所有有记录的版本中都不成立：%s"},
}
