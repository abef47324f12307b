package show

import (
	"io"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// Benchstat writes a line for each span of each run, in the format of go test -bench, which benchstat
// reads: what a milestone takes up to the next one, and the whole with probes and bare.
// "benchstat -col program" has the programs side by side.
func Benchstat(w io.Writer, results []startup.Result) error {
	out := benchfmt.NewWriter(w)
	for _, r := range results {
		line := &benchfmt.Result{Iters: 1}
		for _, config := range [][2]string{{"goos", "linux"}, {"goarch", "amd64"}, {"program", name(r)}} {
			line.Config = append(line.Config, benchfmt.Config{Key: config[0], Value: []byte(config[1]), File: true})
		}
		write := func(milestone string, ns float64) error {
			line.Name = benchfmt.Name("Start/milestone=" + part(milestone))
			line.Values = []benchfmt.Value{{Value: ns / 1e9, Unit: "sec/op", OrigValue: ns, OrigUnit: "ns/op"}}
			return out.Write(line)
		}
		for _, t := range r.Timings {
			for _, ns := range r.Spans(t) {
				if err := write(t.Name, ns); err != nil {
					return err
				}
			}
		}
		for _, sample := range r.Samples {
			milestone := "whole"
			if sample.Set == startup.Bare {
				milestone = "bare"
			}
			if err := write(milestone, float64(sample.Whole)); err != nil {
				return err
			}
		}
	}
	return nil
}

// part is a name that benchstat takes for one part of a benchmark's.
func part(milestone string) string {
	return strings.NewReplacer("/", "∕", " ", "_").Replace(milestone)
}
