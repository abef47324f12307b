package making_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rt0lab/rt0lab/runner/build/making"
)

const printed = `
#
# runtime
#

mkdir -p $WORK/b002/
cd /go/src/runtime
cat >/tmp/importcfg << 'EOF' # internal
packagefile x=/go/pkg/tool/linux_amd64/compile
EOF
/go/pkg/tool/linux_amd64/asm -trimpath "$WORK/b002=>" -I /go/pkg/include -D 'A B' -o $WORK/b002/a.o ./a.s
/go/pkg/tool/linux_amd64/buildid -w $WORK/b002/_pkg_.a # internal
mv /go/pkg/tool/linux_amd64/vet nowhere

#
# rt0lab.test/hello
#

/go/pkg/tool/linux_amd64/compile -o $WORK/b001/_pkg_.a -D "" ./main.go
GOROOT='/go' /go/pkg/tool/linux_amd64/link -o x -X=a=b $WORK/b001/_pkg_.a
`

func TestCommands(t *testing.T) {
	t.Parallel()
	want := []making.Command{
		{Package: "runtime", Tool: "asm", Args: []string{"-trimpath", "$WORK/b002=>", "-I", "$GOROOT/pkg/include", "-D", "A B", "-o", "$WORK/b002/a.o", "./a.s"}},
		{Package: "runtime", Tool: "buildid", Args: []string{"-w", "$WORK/b002/_pkg_.a"}},
		{Package: "rt0lab.test/hello", Tool: "compile", Args: []string{"-o", "$WORK/b001/_pkg_.a", "-D", "", "./main.go"}},
		{Package: "rt0lab.test/hello", Tool: "link", Args: []string{"-o", "x", "-X=a=b", "$WORK/b001/_pkg_.a"}},
	}
	if diff := cmp.Diff(want, making.Commands(printed, "/go")); diff != "" {
		t.Errorf("Commands (-want +got):\n%s", diff)
	}
	if got := making.Commands(printed, "/other"); len(got) != 0 {
		t.Errorf("Commands of another GOROOT = %v, want none", got)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	want := making.Account{
		Commands: making.Commands(printed, "/go"),
		Messages: making.Messages("# rt0lab.test/hello\n./main.go:3:1: syntax error\n\n./main.go:4:1: another\n"),
	}
	if diff := cmp.Diff([]string{"./main.go:3:1: syntax error", "./main.go:4:1: another"}, want.Messages); diff != "" {
		t.Errorf("Messages (-want +got):\n%s", diff)
	}
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := making.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read what was written (-want +got):\n%s", diff)
	}
	if _, err := making.Read(bytes.NewReader([]byte("\x7fELF"))); err == nil {
		t.Error("a binary was read as an account")
	}
}
