package lab

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rt0lab/rt0lab/runner/lab/near"
)

// ErrUnknown is wrapped when an argument names no lab, claim or post.
var ErrUnknown = errors.New("unknown name")

// All is the argument that names everything, as none does.
const All = "all"

// Select returns the claims that the arguments name, in the order of the labs
// and without duplicates. An argument is a lab ("03", "3", "03-g0") or a claim
// ("g0-stack-lo", which selects its parts "g0-stack-lo/…" as well); none, or All, means
// every claim. A post ("S3") keeps the claims taken from it; "" keeps all.
func Select(d *Data, args []string, post string) ([]*Claim, error) {
	var errs []error
	if _, ok := d.Posts[post]; post != "" && !ok {
		posts := slices.Sorted(maps.Keys(d.Posts))
		errs = append(errs, fmt.Errorf("%w: no post %q%s (there are %s)", ErrUnknown, post, near.Hint(post, posts), strings.Join(posts, ", ")))
	}
	wanted := map[*Claim]bool{}
	for _, arg := range args {
		claims, err := d.named(arg)
		if err != nil {
			errs = append(errs, err)
		}
		for _, c := range claims {
			wanted[c] = true
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var selected []*Claim
	for _, lab := range d.Labs {
		for _, c := range lab.Claims {
			fromPost := slices.ContainsFunc(c.Posts, func(s Source) bool { return s.Post == post })
			if (len(args) == 0 || wanted[c]) && (post == "" || fromPost) {
				selected = append(selected, c)
			}
		}
	}
	return selected, nil
}

// LabOf returns the lab that a text names ("03", "3", "03-g0"); the error wraps ErrUnknown.
func (d *Data) LabOf(arg string) (*Lab, error) {
	number, err := strconv.Atoi(arg)
	var ids []string
	for _, lab := range d.Labs {
		if lab.ID == arg || err == nil && lab.Number == number {
			return lab, nil
		}
		ids = append(ids, lab.ID)
	}
	return nil, fmt.Errorf("%w: no lab %q%s", ErrUnknown, arg, near.Hint(arg, ids))
}

func (d *Data) named(arg string) ([]*Claim, error) {
	if arg == All {
		return Select(d, nil, "")
	}
	if lab, err := d.LabOf(arg); err == nil {
		return lab.Claims, nil
	}
	var found []*Claim
	var names []string
	for _, lab := range d.Labs {
		names = append(names, lab.ID)
		for _, c := range lab.Claims {
			if c.ID == arg || strings.HasPrefix(c.ID, arg+"/") {
				found = append(found, c)
			}
			whole, _, _ := strings.Cut(c.ID, "/")
			names = append(names, c.ID, whole)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	for _, g := range d.Known {
		if slices.Contains(g.Claims, arg) {
			return nil, fmt.Errorf("%w: claim %q is in the catalogue of claims, but in no lab yet", ErrUnknown, arg)
		}
	}
	slices.Sort(names)
	return nil, fmt.Errorf("%w: no lab and no claim %q%s; see rt0lab list", ErrUnknown, arg, near.Hint(arg, slices.Compact(names)))
}
