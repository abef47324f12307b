package ebpf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
)

// Tracer is a loaded BPF program with its probes in a file. It is used by one
// goroutine; several Tracers do not disturb one another unless they look at the same file.
type Tracer struct {
	options Options
	coll    *ebpf.Collection
	links   []link.Link
	reader  *ringbuf.Reader
	probes  *ebpf.Memory // of the map of that name
	fresh   []byte       // what is in it before a run
}

// Open loads the program and puts the probes into the file. The error wraps
// ErrRights or ErrFeature when the machine does not allow it.
func Open(o Options) (*Tracer, error) {
	if err := Ready(); err != nil {
		return nil, err
	}
	if o.Copy != nil {
		o.Path = o.Copy.Name()
	}
	t := &Tracer{options: o}
	if err := t.open(features.HaveBPFLinkUprobeMulti() == nil); err != nil {
		_ = t.Close()
		return nil, fmt.Errorf("attach probes to %s: %w", o.Path, diagnose(err))
	}
	return t, nil
}

// open loads and attaches; many tells whether one link takes all probes.
func (t *Tracer) open(many bool) error {
	spec, err := specFor(t.options, many)
	if err != nil {
		return err
	}
	if t.coll, err = ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
		return err
	}
	if t.probes, err = t.coll.Maps[startMapProbes].Memory(); err != nil {
		return err
	}
	if t.fresh, err = fresh(t.options.Probes); err != nil {
		return err
	}
	if t.reader, err = ringbuf.NewReader(t.coll.Maps[startMapEvents]); err != nil {
		return err
	}
	tracepoints := []string{startProgBegun, startProgEnded}
	if t.options.Syscalls {
		tracepoints = append(tracepoints, startProgCalled)
	}
	for _, name := range tracepoints {
		l, err := link.AttachTracing(link.TracingOptions{Program: t.coll.Programs[name]})
		if err != nil {
			return fmt.Errorf("trace %s: %w", spec.Programs[name].AttachTo, err)
		}
		t.links = append(t.links, l)
	}
	if len(t.options.Probes) == 0 {
		return nil
	}
	file, err := link.OpenExecutable(t.options.Path)
	if err != nil {
		return err
	}
	if many {
		return t.attachMany(file)
	}
	return t.attachEach(file)
}

// fresh are the probes as the kernel reads them, none of them told of yet.
func fresh(probes []Probe) ([]byte, error) {
	var all []startProbe
	for _, p := range probes {
		v := startProbe{Most: p.Most}
		if p.FirstThread {
			v.Options |= uint32(startOptionFIRST_THREAD)
		}
		if p.Site.ChecksStack {
			v.Options |= uint32(startOptionCHECKS_STACK)
		}
		if p.Last {
			v.Options |= uint32(startOptionLAST)
		}
		if p.Once {
			v.Options |= uint32(startOptionONCE)
		}
		all = append(all, v)
	}
	return binary.Append(nil, binary.NativeEndian, all)
}

// kernelTypes keeps what is known of the running kernel's types: reading them takes longer than all the rest.
var kernelTypes = btf.NewCache()

// attachMany is one link for all probes: attached in milliseconds, gone in tens of them.
func (t *Tracer) attachMany(file *link.Executable) error {
	var o link.UprobeMultiOptions
	for i, p := range t.options.Probes {
		o.Addresses = append(o.Addresses, p.Site.Offset)
		o.Cookies = append(o.Cookies, uint64(i))
	}
	l, err := file.UprobeMulti(nil, t.coll.Programs[startProgPassedMany], &o)
	if err != nil {
		return err
	}
	t.links = append(t.links, l)
	return nil
}

// attachEach is for kernels without uprobe_multi (before 6.6): each link takes 100 ms to go away.
func (t *Tracer) attachEach(file *link.Executable) error {
	for i, p := range t.options.Probes {
		l, err := file.Uprobe("", t.coll.Programs[startProgPassedOne], &link.UprobeOptions{Address: p.Site.Offset, Cookie: uint64(i)})
		if err != nil {
			return fmt.Errorf("at %s: %w", p.Site.Inst, err)
		}
		t.links = append(t.links, l)
	}
	return nil
}

// specFor is the BPF program cut to what the options want.
func specFor(o Options, many bool) (*ebpf.CollectionSpec, error) {
	spec, err := loadStart()
	if err != nil {
		return nil, err
	}
	if many {
		delete(spec.Programs, startProgPassedOne)
	} else {
		delete(spec.Programs, startProgPassedMany)
	}
	if !o.Syscalls {
		delete(spec.Programs, startProgCalled)
	}
	spec.Maps[startMapEvents].MaxEntries = ringSize(o.Ring)
	spec.Maps[startMapProbes].MaxEntries = uint32(max(1, len(o.Probes)))
	if o.GoidOffset != 0 {
		if err := spec.Variables[startVarGoidAt].Set(int64(o.GoidOffset)); err != nil {
			return nil, err
		}
	}
	if o.Quiet {
		if err := spec.Variables[startVarQuiet].Set(betweenWakings(o.Ring) - 1); err != nil {
			return nil, err
		}
	}
	if o.Copy != nil {
		inode, device, err := o.Copy.identity()
		if err != nil {
			return nil, err
		}
		if err := errors.Join(spec.Variables[startVarInodeIs].Set(inode), spec.Variables[startVarDeviceIs].Set(device)); err != nil {
			return nil, err
		}
	}
	if err := spec.Variables[startVarG_at].Set(cmp.Or(o.GOffset, defaultG)); err != nil {
		return nil, err
	}
	return spec, nil
}

// ringSize is what the kernel takes: a power of two of whole pages.
func ringSize(bytes int) uint32 {
	n := uint32(max(cmp.Or(bytes, DefaultRing), os.Getpagesize()))
	return 1 << bits.Len32(n-1)
}

// betweenWakings is how many events fill a quarter of the ring at most, as a power of two.
func betweenWakings(ring int) uint32 {
	return 1 << (bits.Len32(ringSize(ring)/4/(8+callSize)) - 1) // 8 for each record's length
}

// Close takes the probes out of the file. With uprobe_multi it takes 24 to 64 ms.
func (t *Tracer) Close() error {
	var errs []error
	for _, l := range t.links {
		errs = append(errs, l.Close())
	}
	t.links = nil
	if t.reader != nil {
		errs = append(errs, t.reader.Close())
	}
	if t.coll != nil {
		t.coll.Close()
	}
	return errors.Join(errs...)
}
