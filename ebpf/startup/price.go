package startup

// priced is the set of the runs with two probes that have a call and three instructions between them.
const priced = -3

// Names of these two.
const (
	priceCall      = "the call of runtime.schedinit"
	priceBeginning = "the beginning of runtime.schedinit"
)

// priceOf finds their places; nil when there is no such call in the program.
func priceOf(path string) (*set, error) {
	stops := []string{"runtime.schedinit"}
	points, err := Find(path, []Milestone{{Name: priceCall, Stops: stops, By: "runtime.rt0_go"}, {Name: priceBeginning, Stops: stops}})
	if err != nil || points[0].Reason != "" || points[1].Reason != "" || points[0].Stop == points[1].Stop {
		return nil, err
	}
	return &set{number: priced, points: points}, nil
}

// pay notes by how much the two are apart; a run that ends before it says nothing.
func (s *subject) pay(sample Sample) {
	from, ok := sample.At[priceCall]
	to, ok2 := sample.At[priceBeginning]
	if ok && ok2 {
		s.paid = append(s.paid, float64(to-from))
	}
}
