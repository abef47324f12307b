package lab

// Scripts says where the scripts of one witness are below a data folder.
type Scripts struct {
	Folder  string // "scripts/starlark"
	Ext     string // ".star"
	Library string // path of the library of words; "" when the witness has the words built in
	// Still is set when the witness starts no fixture, so that a second look shows
	// what the first one showed.
	Still bool
}

// File returns the path of a subject's script.
func (s Scripts) File(subject string) string { return s.Folder + "/" + subject + s.Ext }

// ScriptsOf are the scripts of every witness that runs any, by its name.
var ScriptsOf = map[string]Scripts{
	"delve":  {Folder: "scripts/starlark", Ext: ".star", Library: "scripts/starlark/lib.star"},
	"gdb":    {Folder: "scripts/gdb", Ext: ".py", Library: "scripts/gdb/shim.py"},
	"static": {Folder: "scripts/static", Ext: ".star", Still: true},
	"ebpf":   {Folder: "scripts/ebpf", Ext: ".star"},
}
