package show

import (
	"fmt"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/rt0lab/rt0lab/ebpf/startup"
)

// Sizes of the drawing.
const (
	svgWidth  = 10 * vg.Inch
	rowHeight = 0.2 * vg.Inch
	mostRows  = 60 // of init functions; the others are short
)

// colours of the programs, told apart also without colours by their lightness.
var colours = []color.Color{
	color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}, color.RGBA{R: 0xe0, G: 0x8a, B: 0x1e, A: 0xff}, color.RGBA{R: 0x2b, G: 0x8a, B: 0x57, A: 0xff}, color.RGBA{R: 0xa0, G: 0x3c, B: 0x78, A: 0xff},
}

// SVG draws a waterfall: a row for each milestone, from the top down, and in it a bar from
// when it is passed up to the next one; several programs share the rows.
func SVG(w io.Writer, results []startup.Result) error {
	rows := rowsOf(results)
	p := plot.New()
	p.X.Label.Text = "µs since exec (medians, end to end)"
	p.X.Min, p.Y.Max = 0, float64(len(rows))-0.5
	p.Y.Min = -1 - float64(len(results))      // room for the legend
	p.X.Padding, p.Y.Padding = 0, 0.4*vg.Inch // where a viewer has wider letters, the names need it
	p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, 0.1*vg.Inch, 0.1*vg.Inch
	for i, r := range results {
		n, _ := rounds(r)
		legend := fmt.Sprintf("%s: %s to %s (n = %d, observer effect %s)", title(r), brief(r.Whole.Median), r.Until, n, Words{}.percent(r.Observer))
		colour := colours[i%len(colours)]
		at := 0.0
		for _, t := range r.Timings {
			if t.Aside {
				continue
			}
			from := at
			at += max(t.Takes.Median, 0) / 1e3
			row := slices.Index(rows, t.Name)
			if row < 0 {
				continue
			}
			// The first row is at the top; programs lie below one another in it.
			high := 0.8 / float64(len(results))
			top := float64(len(rows)-1-row) + 0.4 - float64(i)*high
			box, err := plotter.NewPolygon(plotter.XYs{{X: from, Y: top}, {X: at, Y: top}, {X: at, Y: top - high}, {X: from, Y: top - high}})
			if err != nil {
				return fmt.Errorf("draw %s: %w", t.Name, err)
			}
			box.Color, box.LineStyle.Color = colour, colour
			p.Add(box)
			if from == 0 {
				p.Legend.Add(legend, box)
			}
		}
		p.X.Max = max(p.X.Max, 1.02*at)
	}
	names := slices.Clone(rows)
	slices.Reverse(names)
	p.NominalY(names...)
	p.Add(plotter.NewGrid())
	canvas := vgsvg.New(svgWidth, rowHeight*vg.Length(len(rows))+vg.Inch)
	p.Draw(draw.New(canvas))
	_, err := canvas.WriteTo(w)
	return err
}

// rowsOf are the names of the milestones in their order; of many init functions the longest.
func rowsOf(results []startup.Result) (rows []string) {
	longest := map[string]float64{}
	for _, r := range results {
		for _, t := range r.Timings {
			if t.Aside {
				continue
			}
			if _, known := longest[t.Name]; !known {
				rows = append(rows, t.Name)
			}
			longest[t.Name] = max(longest[t.Name], t.Takes.Median)
		}
	}
	if len(rows) <= mostRows {
		return rows
	}
	least := make([]float64, 0, len(rows))
	for _, long := range longest {
		least = append(least, long)
	}
	slices.Sort(least)
	limit := least[len(least)-mostRows]
	return slices.DeleteFunc(rows, func(name string) bool { return longest[name] < limit })
}
